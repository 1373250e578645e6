"""Makes the subjects that Varve's tests look at: QEMU builds, a guest, host programs, cores, and the truth about them."""
