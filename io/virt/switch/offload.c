/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/offload.h"

#include <cloister/ethernet.h>
#include <string.h>

#define IPV4_BYTES   20u
#define IPV6_BYTES   40u
#define TCP_BYTES    20u
#define TCP_CHECKSUM 16u
#define PROTOCOL_TCP 6u

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_SERVICE_VLAN = 0x88a8, /* the outer of two tags (IEEE 802.1ad) */
};
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void add32(uint8_t *at, uint32_t value)
{
    value += get16(at) << 16 | get16(at + 2);
    put16(at, value >> 16);
    put16(at + 2, value);
}

/* ---- Checks -----------------------------------------------------------------------------------*/

/* The TCP header behind an IPv4 header, or 0: not a whole one, or a fragment. */
static uint32_t behind_ipv4(const uint8_t *ip)
{
    uint32_t bytes = (ip[0] & 0xfu) * 4;
    bool whole = (get16(ip + 6) & 0x3fff) == 0;
    return ip[0] >> 4 == 4 && bytes >= IPV4_BYTES && whole && ip[9] == PROTOCOL_TCP ? bytes : 0;
}

static uint32_t behind_ipv6(const uint8_t *ip)
{
    return ip[0] >> 4 == 6 && ip[6] == PROTOCOL_TCP ? IPV6_BYTES : 0;
}

static bool is_tag(uint32_t type)
{
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN;
}

/* Where the IP header is: behind the tags, which may end behind a short head. */
static uint32_t behind_tags(const uint8_t *head, uint32_t head_bytes)
{
    uint32_t end = ETHERNET_HEADER_BYTES;
    while (end < ETHERNET_LINK_BYTES && end <= head_bytes && is_tag(get16(head + end - 2))) {
        end += ETHERNET_TAG_BYTES;
    }
    return end;
}

/* Finds the headers; false: this is no TCP over that IP, or not all of them are in the head. */
static bool find_tcp(const uint8_t *head, uint32_t head_bytes, bool ipv6, struct tcp_segment *tcp)
{
    tcp->ipv6 = ipv6;
    tcp->ip = behind_tags(head, head_bytes);
    if (tcp->ip + (ipv6 ? IPV6_BYTES : IPV4_BYTES) + TCP_BYTES > head_bytes ||
        get16(head + tcp->ip - 2) != (ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4)) {
        return false;
    }
    uint32_t ip_bytes = ipv6 ? behind_ipv6(head + tcp->ip) : behind_ipv4(head + tcp->ip);
    tcp->tcp = tcp->ip + ip_bytes;
    if (ip_bytes == 0 || tcp->tcp + TCP_BYTES > head_bytes) {
        return false;
    }
    uint32_t tcp_bytes = (head[tcp->tcp + 12] >> 4) * 4u;
    tcp->end = tcp->tcp + tcp_bytes;
    return tcp_bytes >= TCP_BYTES && tcp->end <= head_bytes;
}

static bool gso_ok(const struct virtio_net_hdr_v1 *header, const uint8_t *head, uint32_t head_bytes,
                   uint32_t bytes, struct tcp_segment *tcp)
{
    bool ipv6 = header->gso_type == VIRTIO_NET_HDR_GSO_TCPV6;
    return (ipv6 || header->gso_type == VIRTIO_NET_HDR_GSO_TCPV4) && header->gso_size > 0 &&
           (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && find_tcp(head, head_bytes, ipv6, tcp) &&
           tcp->end < bytes && header->csum_start == tcp->tcp &&
           header->csum_offset == TCP_CHECKSUM;
}

bool offload_check(const struct virtio_net_hdr_v1 *header, const uint8_t *head, uint32_t head_bytes,
                   uint32_t bytes, struct tcp_segment *tcp)
{
    uint32_t field = (uint32_t)header->csum_start + header->csum_offset;
    if ((header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
        (header->csum_start < ETHERNET_HEADER_BYTES || field + 2 > head_bytes)) {
        return false;
    }
    return header->gso_type == VIRTIO_NET_HDR_GSO_NONE ||
           gso_ok(header, head, head_bytes, bytes, tcp);
}

/* ---- Segments ---------------------------------------------------------------------------------*/

static void sum_into(uint8_t *field, const struct sum *sum, bool invert)
{
    uint16_t value = sum_fold(sum);
    if (invert) {
        value = value == UINT16_MAX ? value : (uint16_t)~value; /* never 0: UDP's "no checksum" */
    }
    memcpy(field, &value, sizeof(value));
}

static void cut_ipv4(uint8_t *ip, uint32_t header_bytes, uint32_t total_bytes, uint32_t index)
{
    struct sum sum = { 0 };
    put16(ip + 2, total_bytes);
    put16(ip + 4, get16(ip + 4) + index);
    put16(ip + 10, 0);
    sum_add(&sum, ip, header_bytes);
    sum_into(ip + 10, &sum, true);
}

/* The sum of TCP's pseudo header, into its checksum (RFC 9293, 3.1; RFC 8200, 8.1). */
static void put_pseudo_sum(uint8_t *head, const struct tcp_segment *tcp, uint32_t bytes)
{
    uint8_t tail[4] = { 0, PROTOCOL_TCP, (uint8_t)(bytes >> 8), (uint8_t)bytes };
    struct sum sum = { 0 };
    sum_add(&sum, head + tcp->ip + (tcp->ipv6 ? 8 : 12), tcp->ipv6 ? 32 : 8);
    sum_add(&sum, tail, sizeof(tail));
    sum_into(head + tcp->tcp + TCP_CHECKSUM, &sum, false);
}

void offload_cut(struct part *part, const struct tcp_segment *tcp, uint32_t offset, uint32_t length,
                 bool is_last)
{
    uint8_t *ip = part->head + tcp->ip;
    uint8_t *flags = part->head + tcp->tcp + 13;
    uint32_t ip_payload = tcp->end - tcp->tcp + length;
    uint32_t index = offset / part->header.gso_size;
    if (tcp->ipv6) {
        put16(ip + 4, ip_payload);
    } else {
        cut_ipv4(ip, tcp->tcp - tcp->ip, tcp->tcp - tcp->ip + ip_payload, index);
    }
    add32(part->head + tcp->tcp + 4, offset);
    if (offset > 0) {
        *flags &= (uint8_t)~TCP_CWR;
    }
    if (!is_last) {
        *flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    }
    put_pseudo_sum(part->head, tcp, ip_payload);
    part->head_bytes = tcp->end;
    part->rest_bytes = length;
    part->header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
    part->header.gso_size = 0;
}

struct sum offload_sum(const struct part *part)
{
    struct sum sum = { 0 };
    uint32_t from = part->header.csum_start;
    sum_add(&sum, part->head + from, part->head_bytes - from);
    return sum;
}

void offload_complete(struct part *part, const struct sum *sum)
{
    uint32_t field = (uint32_t)part->header.csum_start + part->header.csum_offset;
    sum_into(part->head + field, sum, true);
    part->header.flags = 0;
    part->header.csum_start = part->header.csum_offset = 0;
}
