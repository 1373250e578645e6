import Bytes
import LinuxGuest
import Symbols
import Targets
import TestWorlds
import Testing

/// On the laboratory's real guests: whatever is taken away, the same kernel is found.
@Suite struct RealKernelDiscoveryTests {
  /// What is taken away, and the start of a line that tells how the kernel was found then.
  static let losses: [(hasNote: Bool, hasText: Bool, hasCPUs: Bool, evidence: String)] = [
    (true, true, true, "VMCOREINFO: "),
    (false, true, true, "image: mapped by the page tables of CPU"),
    (false, false, true, "image: mapped by the page tables of CPU"),
    (false, true, false, "VMCOREINFO: "),
    (false, false, false, "kallsyms: "),
  ]

  @Test(arguments: QMPDump.small) func findsTheKernel(_ dump: QMPDump) throws {
    let machine = try dump.machine()
    let truth = try #require(VMCoreInfoSearch(machine).find()).info
    let wiped = machine.memory.withoutVMCoreInfo()
    for loss in Self.losses {
      let kernel = try LinuxKernel.find(
        in: Machine(
          memory: loss.hasText ? machine.memory : wiped, map: machine.map,
          cpus: loss.hasCPUs ? machine.cpus : [],
          vmcoreInfo: loss.hasNote ? machine.vmcoreInfo : nil))
      #expect(kernel.evidence.contains { $0.hasPrefix(loss.evidence) }, "\(kernel.evidence)")
      #expect((kernel.vmcoreInfo == truth) == loss.hasText)
      #expect(kernel.release == truth.release)
      #expect(kernel.place.kernelOffset == truth.kernelOffset)
      #expect(kernel.place.physicalBase == truth.number("phys_base"))
      for name in ["_stext", "init_uts_ns", "swapper_pg_dir"] {
        let symbol = kernel.symbols.symbol(named: name == "swapper_pg_dir" ? "init_top_pgt" : name)
        #expect(symbol.map { VirtualAddress($0.address) } == truth.symbol(name))
      }
      let comm = try kernel.variable("init_task", "struct task_struct").member("comm")
      #expect(try comm.inlineString() == "swapper/0")
    }
  }
}

extension PhysicalMemory {
  /// The same memory, with each page that holds the first word of VMCOREINFO set to zeros.
  func withoutVMCoreInfo() -> PhysicalMemory {
    var pages: Set<PhysicalAddress> = []
    for segment in segments {
      guard case .bytes(let view) = segment.contents else { continue }
      // `OSRELEAS`
      view.forEachOccurrence(of: 0x5341_454c_4552_534f, from: 0) { offset in
        pages.insert(PhysicalAddress((segment.start &+ offset).rawValue & ~4095))
        return true
      }
    }
    return PhysicalMemory(segments.flatMap { Self.zeroing(pages, in: $0) })
  }

  private static func zeroing(
    _ pages: Set<PhysicalAddress>, in segment: PhysicalSegment
  ) -> [PhysicalSegment] {
    guard case .bytes(let view) = segment.contents else { return [segment] }
    var parts: [PhysicalSegment] = []
    var done: UInt64 = 0
    func add(through end: UInt64) {
      parts.append(
        PhysicalSegment(
          start: segment.start &+ done, count: end - done,
          contents: .bytes(view.clampedSubview(at: done, count: end - done))))
      done = end
    }
    for page in pages.sorted() {
      guard let offset = page.offset(from: segment.start), offset < segment.count else { continue }
      add(through: offset)
      parts.append(PhysicalSegment(start: page, count: 4096, contents: .zeros))
      done += 4096
    }
    add(through: segment.count)
    return parts
  }
}
