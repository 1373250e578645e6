import Bytes
import HostSystem
import ObjectFiles
import Targets
import Unwinding

/// Makes a machine out of an ELF vmcore, whose bytes stay where they are.
///
/// - `p_paddr` says where memory lies; a PT_LOAD whose `p_paddr` is all ones has no physical address
///   (kernels before 2.6.23 wrote such).
/// - Where `p_memsz` exceeds `p_filesz`, the rest was left out of the dump: `makedumpfile -E` writes
///   pages so that its dump level excludes, QEMU what its filter excludes. Nothing tells whether
///   they were zero, so they are absent, not zeros.
/// - What lies past the end of the file is absent because the file was cut short.
struct ELFMachineDump {
  let path: String
  let dump: ELFDump
  private var layers = PhysicalLayers()
  private var borders: Set<UInt64> = []
  private var diagnostics: [String] = []
  private var loads = 0
  private var missing: UInt64 = 0

  /// Throws `.elf` and `.notAMachine`.
  init(_ bytes: ByteView, path: String) throws(MachineDumpError) {
    self.path = path
    do throws(ObjectError) {
      dump = try ELFDump(bytes)
    } catch {
      throw .elf(path: path, error)
    }
    guard dump.type == .core, Self.isOfMachine(dump) else { throw .notAMachine(path: path) }
  }

  /// Notes tell; without any that do, physical addresses, which processes' cores leave 0, and the
  /// lack of what each process's core has.
  private static func isOfMachine(_ dump: ELFDump) -> Bool {
    let owners: Set<String> = ["VMCOREINFO", "QEMU", "ERASEINFO", "Xen"]
    if dump.notes.contains(where: { owners.contains($0.owner) }) { return true }
    let ofProcesses: [ELFNoteType] = [.processInfo, .auxiliaryVector, .mappedFiles]
    if dump.notes.contains(where: { $0.owner == "CORE" && ofProcesses.contains($0.type) }) {
      return false
    }
    return dump.segments.contains { $0.type == .load && $0.physicalAddress.rawValue != 0 }
  }

  mutating func machine(evidence: [String], diagnostics known: [String]) throws(MachineDumpError)
    -> Machine
  {
    guard let architecture = Architecture(dump.machine == .i386 ? .x86_64 : dump.machine) else {
      throw .unsupportedArchitecture(path: path, "\(dump.machine)")
    }
    for segment in dump.segments where segment.type == .load { add(segment) }
    if missing > 0 {
      diagnostics.append("the file ends early: \(missing) bytes of memory are missing")
    }
    let segments = layers.segments()
    guard !segments.isEmpty else { throw .noMemory(path: path) }
    let notes = DumpNotes(dump.notes, machine: dump.machine)
    let width = dump.is64Bit ? "64" : "32"
    return Machine(
      architecture: architecture, memory: PhysicalMemory(segments),
      map: PhysicalLayers.map(of: segments, borders: borders), cpus: notes.cpus,
      vmcoreInfo: notes.vmcoreInfo,
      evidence: evidence + ["memory: \(loads) PT_LOADs of a \(width)-bit ELF file, by p_paddr"],
      diagnostics: known + dump.diagnostics.map(\.description) + diagnostics + notes.diagnostics)
  }

  private mutating func add(_ header: ELFSegment) {
    loads += 1
    let start = header.physicalAddress
    guard start.rawValue != .max, header.memorySize > 0 else { return }
    let room = UInt64.max - start.rawValue
    let memorySize = min(header.memorySize, room)
    let fileSize = min(header.fileSize, memorySize)
    if memorySize < header.memorySize || header.fileSize > header.memorySize {
      diagnostics.append(
        "the PT_LOAD at \(start) of \(hex(header.memorySize)) bytes, \(hex(header.fileSize)) in the"
          + " file, can't be; it was cut")
    }
    let bytes = dump.bytes.clampedSubview(at: header.fileOffset.rawValue, count: fileSize)
    let available = UInt64(bytes.count)
    layers.add(PhysicalSegment(start: start, count: available, contents: .bytes(bytes)))
    layers.add(
      PhysicalSegment(
        start: start &+ available, count: fileSize - available, contents: .absent(.truncated)))
    layers.add(
      PhysicalSegment(
        start: start &+ fileSize, count: memorySize - fileSize, contents: .absent(.excluded)))
    missing = missing &+ (fileSize - available)
    // Without paging QEMU gives every block of memory its own PT_LOAD, at p_vaddr 0 or p_paddr.
    if [0, start.rawValue].contains(header.address.rawValue) { borders.insert(start.rawValue) }
  }
}
