internal import TimeTravel

/// Two restores without a run between them kill a QEMU whose machine has a flash chip that can be written:
/// restoring adds a handler for the next run, of which the chip keeps only the last, and the first to be
/// called removes that one (QEMU 5.2 to 8.2 hw/block/pflash_cfi01.c, postload_update_cb). Tried with 7.2:
/// it jumps to an address that isn't one. QEMU itself restores a state when it starts.
extension EngineCore {
  /// `virt` has two chips whether they are given images or not (hw/arm/virt.c, virt_flash_create); a PC
  /// has those that its command line names.
  static func hasFlash(_ recording: Recording, _ architecture: EngineArchitecture) -> Bool {
    architecture.name == "aarch64"
      || recording.description.replayed.contains { $0.contains("pflash") }
  }

  /// Has QEMU run for an instruction, which is forgotten with the next restore.
  mutating func letFlashGo() throws(ReplayError) {
    if try position() >= end { try restart() }
    _ = try step()
  }
}
