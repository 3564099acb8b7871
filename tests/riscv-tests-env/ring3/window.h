// Where the test's memory is, in each of the three address spaces. Used by boot.S and link.ld.
//
//   guest-virtual   0x0040_0000 .. 0x0060_0000     what the test sees
//   guest-physical  0x2000_0000 .. 0x2020_0000     what its Sv39 table maps that to
//   physical        0x8020_0000 .. 0x8040_0000     what the second stage maps that to
//
// The guest's own tables are the last pages of the window. Beside it, the page of the test finisher is mapped
// to itself in both stages.

#define WINDOW_VIRTUAL 0x00400000
#define WINDOW_GUEST 0x20000000
#define WINDOW_PHYSICAL 0x80200000
#define WINDOW_SIZE 0x00200000

#define GUEST_TABLES 0x001fc000
