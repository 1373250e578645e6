import Foundation
import TestWorlds
import Testing
import Varve

extension RecordedGuest {
  /// A guest whose boot sector does what `code` says and then says that it is ready; then it goes on at `again`,
  /// a label of the code's. Behind it comes what `more` says.
  convenience init(bootSector code: String, _ more: String = "") throws {
    let sector = try DiskExerciser.assemble(
      """
      .code16
      .globl _start
      _start:
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %ss
        movw $0x7c00, %sp
      \(code)
      \(DiskExerciser.printing)
      \(more)
      text: .asciz "ready\\n"
        .org 510
        .word 0xaa55

      """)
    try self.init(
      firmware: ["-M", "pc", "-drive", "file={directory}/disk.img,format=raw,if=ide"],
      image: sector + [UInt8](repeating: 0, count: 65536 - sector.count), until: "ready")
  }

  /// Records, and replays in `body`. Ends QEMU whatever happens: it may hold what other tests wait for to be closed.
  func withEngine(_ body: (QEMUEngine) async throws -> Void) async throws {
    let engine = try QEMUEngine(try record(), patience: .seconds(5))
    do {
      try await body(engine)
    } catch {
      try await engine.end()
      throw error
    }
    try await engine.end()
  }
}
