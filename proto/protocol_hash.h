/* SHA-256 over the wire format (gen.py wire): two ends that exchange the same hash in HELLO speak the same protocol. */
#ifndef CRICKET_PROTOCOL_HASH_H
#define CRICKET_PROTOCOL_HASH_H

extern const unsigned char cricket_protocol_hash[32];

#endif
