/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet frames as the cards, the switches and the virtualisers bound them. */
#pragma once

#define ETHERNET_HEADER_BYTES 14u
#define ETHERNET_TAG_BYTES    4u
#define ETHERNET_MAX_TAGS     2u /* a VLAN within another (IEEE 802.1Q, service and customer tags) */

/* Of a frame, beside what the MTU counts. Tags are not looked for: a longer packet may use their
 * room. */
#define ETHERNET_LINK_BYTES (ETHERNET_HEADER_BYTES + ETHERNET_MAX_TAGS * ETHERNET_TAG_BYTES)

/* The longest IP packet that is left to be cut into segments. */
#define ETHERNET_MAX_PACKET 65535u
