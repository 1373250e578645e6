import Bytes
import LinuxGuest
import Symbols
import Targets
import TestWorlds
import Testing

/// On the laboratory's real guests: whatever is taken away, the same kernel is found.
@Suite struct RealKernelDiscoveryTests {
  @Test(arguments: QMPDump.small) func findsTheKernel(_ dump: QMPDump) throws {
    let kernel = try LinuxKernel.find(in: dump.machine())
    print(kernel.evidence, kernel.diagnostics, kernel.place, kernel.release, kernel.version)
    let text = try #require(kernel.symbols.symbol(named: "_stext"))
    #expect(VirtualAddress(text.address) == kernel.vmcoreInfo?.symbol("_stext"))
  }

  @Test(arguments: QMPDump.small) func findsItWithoutANote(_ dump: QMPDump) throws {
    let machine = try dump.machine()
    let kernel = try LinuxKernel.find(
      in: Machine(memory: machine.memory, map: machine.map, cpus: machine.cpus))
    print(kernel.evidence, kernel.diagnostics, kernel.place, kernel.release, kernel.version)
  }

  @Test(arguments: QMPDump.small) func findsItWithoutCPUs(_ dump: QMPDump) throws {
    let machine = try dump.machine()
    let kernel = try LinuxKernel.find(
      in: Machine(memory: machine.memory, map: machine.map, cpus: []))
    print(kernel.evidence, kernel.diagnostics, kernel.place, kernel.release, kernel.version)
  }

  @Test(arguments: QMPDump.small) func findsItByShape(_ dump: QMPDump) throws {
    let machine = try dump.machine()
    let kernel = try LinuxKernel.find(in: Machine(memory: machine.memory.withoutVMCoreInfo(), map: machine.map, cpus: []))
    print(kernel.evidence, kernel.diagnostics, kernel.place, kernel.release, kernel.version)
  }
}

extension PhysicalMemory {
  /// The same memory, with each page that begins with VMCOREINFO or its note set to zeros.
  func withoutVMCoreInfo() -> PhysicalMemory {
    var wiped: [PhysicalAddress] = []
    for segment in segments {
      guard case .bytes(let view) = segment.contents else { continue }
      // `OSRELEAS`
      view.forEachOccurrence(of: 0x5341_454c_4552_534f, from: 0) { offset in
        wiped.append(PhysicalAddress((segment.start &+ offset).rawValue & ~4095))
        return true
      }
    }
    return wiped.reduce(self) { $0.zeroing($1) }
  }

  private func zeroing(_ page: PhysicalAddress) -> PhysicalMemory {
    var parts: [PhysicalSegment] = []
    for segment in segments {
      guard case .bytes(let view) = segment.contents,
        let offset = page.offset(from: segment.start), offset < segment.count
      else {
        parts.append(segment)
        continue
      }
      let rest = segment.count - min(offset + 4096, segment.count)
      parts.append(
        PhysicalSegment(
          start: segment.start, count: offset,
          contents: .bytes(view.clampedSubview(at: 0, count: offset))))
      parts.append(PhysicalSegment(start: page, count: min(4096, segment.count - offset), contents: .zeros))
      parts.append(
        PhysicalSegment(
          start: page &+ 4096, count: rest,
          contents: .bytes(view.clampedSubview(at: offset + 4096, count: rest))))
    }
    return PhysicalMemory(parts)
  }
}
