#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "handles.h"

#define PCI_ID_BYTES 32

/* The range is the current context's; making one is slow, so devices of one compute capability share an answer. The
   reference to the primary context stays for the client's first cuDevicePrimaryCtxRetain. */
static CUresult priority_range(struct srv_worker *worker, CUdevice device, device_snapshot *snapshot)
{
	CUcontext context;
	CUresult err = SRV_DRIVER(cuDevicePrimaryCtxRetain, &context, device);
	if (err)
		return err;
	worker->session->spare_retains[device]++;
	err = srv_worker_enter(worker, context);
	if (!err)
		err = SRV_DRIVER(cuCtxGetStreamPriorityRange, &snapshot->priority_least, &snapshot->priority_greatest);
	return err;
}

static const device_snapshot *same_capability(const server_snapshot *server, const device_snapshot *device)
{
	const int *mine = device->attributes.attributes_val;
	for (u_int i = 0; i < server->devices.devices_len && &server->devices.devices_val[i] != device; i++) {
		const int *other = server->devices.devices_val[i].attributes.attributes_val;
		if (other[CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR] ==
			mine[CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR] &&
		    other[CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR] ==
			mine[CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR])
			return &server->devices.devices_val[i];
	}
	return NULL;
}

static void read_attributes(CUdevice device, device_snapshot *snapshot)
{
	int *values = snapshot->attributes.attributes_val;
	values[0] = CRICKET_NO_ATTRIBUTE;
	for (int i = 1; i < CU_DEVICE_ATTRIBUTE_MAX; i++) {
		if (SRV_DRIVER(cuDeviceGetAttribute, &values[i], (CUdevice_attribute)i, device) != CUDA_SUCCESS)
			values[i] = CRICKET_NO_ATTRIBUTE;
	}
}

/* A UUID, LUID or PCI id that the driver has not (a CPU device, Linux) stays zero or empty. */
static void read_identity(CUdevice device, device_snapshot *snapshot)
{
	CUuuid uuid;
	char luid[sizeof(snapshot->luid)];
	unsigned int mask;
	if (SRV_DRIVER(cuDeviceGetUuid_v2, &uuid, device) == CUDA_SUCCESS ||
	    SRV_DRIVER(cuDeviceGetUuid, &uuid, device) == CUDA_SUCCESS)
		memcpy(snapshot->uuid, uuid.bytes, sizeof(snapshot->uuid));
	if (SRV_DRIVER(cuDeviceGetLuid, luid, &mask, device) == CUDA_SUCCESS) {
		memcpy(snapshot->luid, luid, sizeof(luid));
		snapshot->luid_node_mask = mask;
	}
	if (SRV_DRIVER(cuDeviceGetPCIBusId, snapshot->pci_bus_id, PCI_ID_BYTES, device) != CUDA_SUCCESS)
		snapshot->pci_bus_id[0] = '\0';
}

static CUresult read_device(struct srv_worker *worker, int ordinal, server_snapshot *server)
{
	device_snapshot *snapshot = &server->devices.devices_val[ordinal];
	CUdevice device;
	size_t memory = 0;
	CUresult err = SRV_DRIVER(cuDeviceGet, &device, ordinal);
	if (!err)
		err = SRV_DRIVER(cuDeviceGetName, snapshot->name, CRICKET_TEXT_MAX, device);
	if (!err)
		err = SRV_DRIVER(cuDeviceTotalMem_v2, &memory, device);
	if (!err)
		snapshot->primary_context = srv_primary_id(worker->session, device, &err);
	if (err)
		return err;
	snapshot->total_memory = memory;
	read_attributes(device, snapshot);
	read_identity(device, snapshot);
	const device_snapshot *same = same_capability(server, snapshot);
	if (!same)
		return priority_range(worker, device, snapshot);
	snapshot->priority_least = same->priority_least;
	snapshot->priority_greatest = same->priority_greatest;
	return CUDA_SUCCESS;
}

static bool snapshot_alloc(server_snapshot *server, int count)
{
	server->devices.devices_val = calloc((size_t)count, sizeof(device_snapshot));
	if (!server->devices.devices_val)
		return false;
	server->devices.devices_len = (u_int)count;
	bool good = true;
	for (int i = 0; i < count; i++) {
		device_snapshot *one = &server->devices.devices_val[i];
		one->name = calloc(1, CRICKET_TEXT_MAX);
		one->pci_bus_id = calloc(1, PCI_ID_BYTES);
		one->attributes.attributes_len = CU_DEVICE_ATTRIBUTE_MAX;
		one->attributes.attributes_val = calloc(CU_DEVICE_ATTRIBUTE_MAX, sizeof(int));
		good = good && one->name && one->pci_bus_id && one->attributes.attributes_val;
	}
	return good;
}

_Static_assert((int)CU_DEVICE_ATTRIBUTE_MAX <= (int)CRICKET_ATTRIBUTES_MAX,
	       "the snapshot has no room for all attributes");

bool srv_serve_snapshot(struct srv_control *control)
{
	snapshot_res result = {0};
	server_snapshot *server = &result.snapshot_res_u.snapshot;
	int count = 0;
	CUresult err = SRV_DRIVER(cuDeviceGetCount, &count);
	count = count < CRICKET_DEVICES_MAX ? count : CRICKET_DEVICES_MAX;
	if (!err && count > 0 && !snapshot_alloc(server, count))
		err = CUDA_ERROR_OUT_OF_MEMORY;
	for (int i = 0; !err && i < count; i++)
		err = read_device(control->worker, i, server);
	int wire = (int)err;
	bool encoded = xdr_int(control->result, &wire) && (err || xdr_server_snapshot(control->result, server));
	xdr_free((xdrproc_t)xdr_server_snapshot, server);
	return encoded;
}
