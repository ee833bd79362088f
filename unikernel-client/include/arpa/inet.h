/* Byte order of the network. */
#ifndef CRICKET_ARPA_INET_H
#define CRICKET_ARPA_INET_H

#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define htonl(word) ((uint32_t)__builtin_bswap32(word))
#define htons(word) ((uint16_t)__builtin_bswap16(word))
#else
#define htonl(word) ((uint32_t)(word))
#define htons(word) ((uint16_t)(word))
#endif
#define ntohl(word) htonl(word)
#define ntohs(word) htons(word)

#endif
