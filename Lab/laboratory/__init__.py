"""Makes what Varve's tests look at: QEMU builds, a guest, host programs, their cores, and the truth about those."""
