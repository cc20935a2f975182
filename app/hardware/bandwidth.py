"""How fast a card reads its memory, by name: what decides the speed of answers.

A card that is not here has no figure rather than a neighbour's: an RTX 4090 in a laptop has 57 % of
what the desktop's has.
"""

import functools

from app.hardware.names import words_of

_GIB = 1024**3

_TABLE = """
# nvidia.com, product pages and data sheets: width of the memory interface times its speed.
rtx 5090 1792; rtx 5090 d 1792; rtx 5080 960; rtx 5070 ti 896; rtx 5070 672; rtx 5060 ti 448;
rtx 5060 448; rtx 5050 320; rtx 5090 laptop 896; rtx 5080 laptop 896; rtx 5070 ti laptop 672;
rtx 5070 laptop 384; rtx 5060 laptop 384; rtx 4090 1008; rtx 4090 d 1008; rtx 4080 super 736;
rtx 4080 716.8; rtx 4070 ti super 672; rtx 4070 ti 504; rtx 4070 super 504; rtx 4070 504;
rtx 4060 ti 288; rtx 4060 272; rtx 4090 laptop 576; rtx 4080 laptop 432; rtx 4070 laptop 256;
rtx 4060 laptop 256; rtx 4050 laptop 192; rtx 3090 ti 1008; rtx 3090 936; rtx 3080 ti 912;
rtx 3080 10gb 760; rtx 3080 12gb 912; rtx 3070 ti 608; rtx 3070 448; rtx 3060 ti 448;
rtx 3060 12gb 360; rtx 3060 8gb 240; rtx 3080 ti laptop 512; rtx 3080 laptop 448;
rtx 3070 laptop 448; rtx 3060 laptop 336; rtx 2080 ti 616; rtx 2080 super 496; rtx 2080 448;
rtx 2070 super 448; rtx 2070 448; rtx 2060 super 448; rtx 2060 6gb 336; gtx 1660 super 336;
gtx 1660 ti 288; gtx 1660 192; gtx 1080 ti 484; gtx 1080 320; gtx 1070 256;
rtx pro 6000 blackwell workstation edition 1792; rtx 6000 ada generation 960;
rtx 5000 ada generation 576; rtx a6000 768; rtx a5000 768; rtx a4000 448; h200 4800;
h100 80gb hbm3 3350; h100 pcie 2000; a100 sxm4 80gb 2039; a100 80gb pcie 1935; a100 sxm4 40gb 1555;
a100 pcie 40gb 1555; a10 600; l40s 864; l40 864; l4 300; tesla t4 320; gb10 273
# amd.com, product pages: "peak memory bandwidth" without the cache's share.
rx 9070 xt 640; rx 9070 640; rx 9060 xt 320; rx 7900 xtx 960; rx 7900 xt 800; rx 7900 gre 576;
rx 7800 xt 624; rx 7700 xt 432; rx 7600 xt 288; rx 7600 288; rx 6950 xt 576; rx 6900 xt 512;
rx 6800 xt 512; rx 6800 512; rx 6750 xt 432; rx 6700 xt 384; rx 6650 xt 280; rx 6600 xt 256;
rx 6600 224; pro w7900 864; pro w7800 576; vii 1024; 8060s 256
# ark.intel.com: "graphics memory bandwidth".
arc a770 16gb 560; arc a770 8gb 512; arc a750 512; arc a580 512; arc a380 186; arc b580 456;
arc b570 380; arc pro b60 456; arc pro b50 224
# support.apple.com, technical specifications: "memory bandwidth" of the chip.
m1 68.25; m1 pro 200; m1 max 400; m1 ultra 800; m2 100; m2 pro 200; m2 max 400; m2 ultra 800;
m3 100; m3 pro 150; m3 max 30 300; m3 max 40 400; m3 ultra 819; m4 120; m4 pro 273; m4 max 32 410;
m4 max 40 546; m5 153; m5 pro 307; m5 max 32 460; m5 max 40 614
"""
"""GB/s behind each name, the source above the names.

A name is what `names.words_of` leaves of it. Where cards of one name differ, their size in GB
stands behind it ("rtx 3080 12gb"), and for Apple the number of GPU cores ("m4 max 40").
"""


@functools.cache
def _speeds() -> dict[str, float]:
    rows = [row for row in _TABLE.splitlines() if row and not row.startswith("#")]
    entries = [entry.strip() for row in rows for entry in row.split(";") if entry.strip()]
    return {name: float(speed) for name, _, speed in (e.rpartition(" ") for e in entries)}


def bandwidth(name: str, total_bytes: int | None, gpu_cores: int | None = None) -> int | None:
    """Return bytes a second, None for a card that the table does not have."""
    key = " ".join(words_of(name))
    sized = [f"{key} {gpu_cores}"] if gpu_cores else []
    if total_bytes is not None:
        size = round(total_bytes / _GIB)  # one less than on the box, where the driver keeps some
        sized += [f"{key} {size}gb", f"{key} {size + 1}gb"]
    speeds = _speeds()
    return next((int(speeds[k] * 1e9) for k in (*sized, key) if k in speeds), None)
