/* What an image tells port_virtio_serial.c. */
#ifndef CRICKET_PORT_VIRTIO_SERIAL_H
#define CRICKET_PORT_VIRTIO_SERIAL_H

#include <stdint.h>

/* Where the virtio-mmio devices are: `slots` of 512 bytes each. */
struct cricket_virtio_mmio {
	uintptr_t base;
	unsigned slots;
};
extern const struct cricket_virtio_mmio cricket_virtio_mmio;

#endif
