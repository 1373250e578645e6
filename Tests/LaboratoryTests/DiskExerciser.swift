import TestWorlds

/// A disk to boot from, whose boot sector reads 32 sectors at a time, writes them back elsewhere, and says
/// so now and then, for ever. The firmware's driver makes requests of that to any controller.
enum DiskExerciser {
  /// What it says in the end.
  static let lastLine = "forty"

  static func image() throws -> [UInt8] {
    let sector = try assemble(source)
    return sector + (sector.count..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
  }

  /// The boot sector that `source` is, in assembly.
  static func assemble(_ source: String) throws -> [UInt8] {
    let scratch = try ScratchDirectory()
    try scratch.write(source, to: "boot.s")
    try Tool.run("gcc", "-c", "-m32", "-o", "boot.o", "boot.s", in: scratch)
    try Tool.run(
      "ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", "boot.bin", "boot.o",
      in: scratch)
    return try scratch.read("boot.bin")
  }

  /// Sends what stands at `text` to the serial port, and goes on at `again`.
  static let printing = """
      movw $text, %si
    print:
      lodsb
      testb %al, %al
      jz again
      movw $0x3f8, %dx
      outb %al, %dx
      jmp print
    """

  /// INT 13h with AH = 42h reads and 43h writes what a packet says (BIOS Enhanced Disk Drive
  /// Specification): u8 size, u8 0, u16 sectors, u16 offset and u16 segment of memory, u64 first sector.
  private static let source = """
    .code16
    .globl _start
    _start:
      xorw %ax, %ax
      movw %ax, %ds
      movw %ax, %es
      movw %ax, %ss
      movw $0x7c00, %sp
      movb %dl, drive
    again:
      movw $1, first
      movb $0x42, %ah
      call request
      movw $1000, first
      movw $0x4300, %ax
      call request
    # A pause, as snapshots are refused while a request waits for its moment.
      xorw %cx, %cx
    pause:
      loop pause
      incw %bp
      cmpw $40, %bp
      jne again
    \(printing)
    request:
      movb drive, %dl
      movw $packet, %si
      int $0x13
      jc failed
      ret
    failed:
      hlt
      jmp failed
    text: .asciz "forty\\n"
    drive: .byte 0
      .balign 4
    packet: .byte 16, 0
      .word 32, 0, 0x1000
    first: .quad 1
      .org 510
      .word 0xaa55
    """
}
