/* Transport over port 1 of a virtio-serial device behind virtio-mmio (Virtio 1.2, 4.2 and 5.3), polled: no interrupts,
 * no operating system. The hypervisor connects the port to the server, with QEMU
 *
 *     -chardev socket,id=server,host=HOST,port=14833,nodelay=on
 *     -device virtio-serial-device -device virtserialport,nr=1,chardev=server
 *
 * Memory is mapped one to one. The image brings the memory and says where the devices are: cricket_virtio_mmio.
 */
#include "port_virtio_serial.h"

#include <stdbool.h>

#include "port.h"

enum { MAGIC = 0x74726976, VERSION = 2, CONSOLE_DEVICE = 3, SLOT_BYTES = 512 };
enum { QUEUE_SIZE = 16, BUFFER_BYTES = 4096 };
enum { DESC_NEXT = 1, DESC_WRITE = 2 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { CONTROL_RX = 2, CONTROL_TX = 3, PORT_RX = 4, PORT_TX = 5 }; /* 0 and 1 are port 0's */
enum { DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, PORT_OPEN = 6 };
enum { PORT = 1, FEATURE_MULTIPORT = 1 << 1, FEATURE_VERSION_1_HIGH = 1 };

/* Registers of virtio-mmio, as indices of words. */
enum {
	REG_MAGIC = 0x000 / 4,
	REG_VERSION = 0x004 / 4,
	REG_DEVICE = 0x008 / 4,
	REG_DRIVER_FEATURES = 0x020 / 4,
	REG_DRIVER_FEATURES_SELECT = 0x024 / 4,
	REG_QUEUE_SELECT = 0x030 / 4,
	REG_QUEUE_SIZE = 0x038 / 4,
	REG_QUEUE_READY = 0x044 / 4,
	REG_QUEUE_NOTIFY = 0x050 / 4,
	REG_STATUS = 0x070 / 4,
	REG_QUEUE_DESC = 0x080 / 4,
	REG_QUEUE_AVAIL = 0x090 / 4,
	REG_QUEUE_USED = 0x0a0 / 4,
};

struct queue {
	struct {
		uint64_t address;
		uint32_t length;
		uint16_t flags, next;
	} desc[QUEUE_SIZE];
	struct {
		uint16_t flags, index, ring[QUEUE_SIZE];
	} avail;
	struct {
		uint16_t flags, index;
		struct {
			uint32_t id, length;
		} ring[QUEUE_SIZE];
	} used __attribute__((aligned(4)));
	uint16_t number, seen; /* used entries that have been looked at */
} __attribute__((aligned(16)));

struct control {
	uint32_t port;
	uint16_t event, value;
};

static volatile uint32_t *device;
static struct queue control_rx, control_tx, port_rx, port_tx;
static struct control messages[QUEUE_SIZE];
static char buffers[QUEUE_SIZE][BUFFER_BYTES];
static bool port_added, host_open;
static uint32_t taken; /* bytes of the oldest received buffer that have been handed on */

/* The rings are shared with the device: nothing moves over this. */
static void barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
	barrier();
}

static void write_address(unsigned at, const void *address)
{
	device[at] = (uint32_t)(uintptr_t)address;
	device[at + 1] = (uint32_t)((uintptr_t)address >> 32);
}

static void set_up(struct queue *queue, uint16_t number)
{
	queue->number = number;
	device[REG_QUEUE_SELECT] = number;
	device[REG_QUEUE_SIZE] = QUEUE_SIZE;
	write_address(REG_QUEUE_DESC, queue->desc);
	write_address(REG_QUEUE_AVAIL, &queue->avail);
	write_address(REG_QUEUE_USED, &queue->used);
	device[REG_QUEUE_READY] = 1;
}

static void submit(struct queue *queue, uint16_t desc)
{
	queue->avail.ring[queue->avail.index % QUEUE_SIZE] = desc;
	barrier();
	queue->avail.index++;
	barrier();
	device[REG_QUEUE_NOTIFY] = queue->number;
}

/* Gives the device all descriptors of a queue to write to: `bytes` each, from `memory` on. */
static void offer_all(struct queue *queue, void *memory, uint32_t bytes)
{
	for (uint16_t i = 0; i < QUEUE_SIZE; i++) {
		queue->desc[i].address = (uintptr_t)memory + (uintptr_t)i * bytes;
		queue->desc[i].length = bytes;
		queue->desc[i].flags = DESC_WRITE;
		submit(queue, i);
	}
}

static bool has_used(const struct queue *queue)
{
	return *(const volatile uint16_t *)&queue->used.index != queue->seen;
}

/* What the hypervisor says of ports. */
static void read_control(void)
{
	while (has_used(&control_rx)) {
		uint16_t id = (uint16_t)(control_rx.used.ring[control_rx.seen++ % QUEUE_SIZE].id % QUEUE_SIZE);
		barrier();
		if (messages[id].port == PORT && messages[id].event == PORT_ADD)
			port_added = true;
		if (messages[id].port == PORT && messages[id].event == PORT_OPEN)
			host_open = messages[id].value;
		submit(&control_rx, id);
	}
}

/* Waits until the device has taken what was submitted; false when the host's end closes. */
static bool wait_used(struct queue *queue, bool until_closed)
{
	while (!has_used(queue)) {
		relax();
		read_control();
		if (until_closed && !host_open)
			return false;
	}
	queue->seen++;
	return true;
}

static void say(uint32_t port, uint16_t event, uint16_t value)
{
	struct control message = {port, event, value};
	control_tx.desc[0].address = (uintptr_t)&message;
	control_tx.desc[0].length = sizeof(message);
	submit(&control_tx, 0);
	wait_used(&control_tx, false);
}

static bool find_device(void)
{
	for (unsigned slot = 0; slot < cricket_virtio_mmio.slots; slot++) {
		device = (volatile uint32_t *)(cricket_virtio_mmio.base + (uintptr_t)slot * SLOT_BYTES);
		if (device[REG_MAGIC] == MAGIC && device[REG_VERSION] == VERSION &&
		    device[REG_DEVICE] == CONSOLE_DEVICE)
			return true;
	}
	return false;
}

static bool start_device(void)
{
	device[REG_STATUS] = 0;
	device[REG_STATUS] = ACKNOWLEDGE | DRIVER;
	device[REG_DRIVER_FEATURES_SELECT] = 0;
	device[REG_DRIVER_FEATURES] = FEATURE_MULTIPORT;
	device[REG_DRIVER_FEATURES_SELECT] = 1;
	device[REG_DRIVER_FEATURES] = FEATURE_VERSION_1_HIGH;
	device[REG_STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK;
	if (!(device[REG_STATUS] & FEATURES_OK))
		return false;
	set_up(&control_rx, CONTROL_RX);
	set_up(&control_tx, CONTROL_TX);
	set_up(&port_rx, PORT_RX);
	set_up(&port_tx, PORT_TX);
	device[REG_STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
	return true;
}

void *cricket_port_connect(const char *address, const char **why)
{
	(void)address; /* the hypervisor's business */
	*why = "there is no virtio-serial device behind virtio-mmio (-global virtio-mmio.force-legacy=off)";
	if (!find_device() || !start_device())
		return NULL;
	offer_all(&control_rx, messages, sizeof(*messages));
	offer_all(&port_rx, buffers, BUFFER_BYTES);
	say(0, DEVICE_READY, 1);
	while (!port_added) {
		relax();
		read_control();
	}
	say(PORT, PORT_READY, 1);
	say(PORT, PORT_OPEN, 1);
	while (!host_open) {
		relax();
		read_control();
	}
	return (void *)device;
}

long cricket_port_send(void *stream, const struct cricket_port_piece *pieces, int count)
{
	long sent = 0;
	(void)stream;
	count = count < QUEUE_SIZE ? count : QUEUE_SIZE;
	for (int i = 0; i < count; i++) {
		port_tx.desc[i].address = (uintptr_t)pieces[i].bytes;
		port_tx.desc[i].length = (uint32_t)pieces[i].size;
		port_tx.desc[i].flags = i + 1 < count ? DESC_NEXT : 0;
		port_tx.desc[i].next = (uint16_t)(i + 1);
		sent += (long)pieces[i].size;
	}
	submit(&port_tx, 0);
	return wait_used(&port_tx, true) ? sent : -1;
}

long cricket_port_receive(void *stream, void *bytes, size_t size)
{
	(void)stream;
	while (!has_used(&port_rx)) {
		relax();
		read_control();
		if (!host_open && !has_used(&port_rx))
			return 0;
	}
	barrier();
	uint32_t id = port_rx.used.ring[port_rx.seen % QUEUE_SIZE].id % QUEUE_SIZE;
	uint32_t length = port_rx.used.ring[port_rx.seen % QUEUE_SIZE].length;
	size_t left = length - taken, count = left < size ? left : size;
	__builtin_memcpy(bytes, buffers[id] + taken, count);
	taken += (uint32_t)count;
	if (taken == length) {
		taken = 0;
		port_rx.seen++;
		submit(&port_rx, (uint16_t)id);
	}
	return (long)count;
}

void cricket_port_close(void *stream)
{
	(void)stream;
	say(PORT, PORT_OPEN, 0);
	device[REG_STATUS] = 0;
}
