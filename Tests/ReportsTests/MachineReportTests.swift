import Bytes
import Reports
import Targets
import Testing

/// Has every second page of 4096 bytes, beginning with the first.
private struct EverySecondPage: PageSource {
  func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
    offset / 4096 % 2 == 0
      ? .zeros(count: min(limit, 4096)) : .absent(.excluded, count: min(limit, 4096))
  }

  func presentCount(from offset: UInt64, count: UInt64) -> UInt64 { count / 2 }
}

/// What reports say of a machine.
@Suite struct MachineReportTests {
  private func machine() -> Machine {
    let segments = [
      PhysicalSegment(
        start: PhysicalAddress(0), count: 0x8000,
        contents: .source(EverySecondPage(), offset: 0)),
      PhysicalSegment(start: PhysicalAddress(0x8000), count: 0x1000, contents: .zeros),
      PhysicalSegment(
        start: PhysicalAddress(0x10000), count: 0x2000, contents: .absent(.truncated)),
    ]
    return Machine(
      memory: PhysicalMemory(segments),
      map: [
        MemoryMapEntry(start: PhysicalAddress(0), count: 0x9000, kind: .ram),
        MemoryMapEntry(start: PhysicalAddress(0x10000), count: 0x2000, kind: .ram),
      ],
      cpus: [VCPU(index: 0, x86: X86CPUState(), freshness: .unknown)])
  }

  @Test func pagesThatADumpLeavesOutAreNotThere() {
    let report = MachineReport(machine())
    #expect(report.memory.present == 0x5000)
    #expect(report.memory.zeros == 0x1000)
    #expect(report.memory.excluded == 0x4000)
    #expect(report.memory.truncated == 0x2000)
    #expect(report.map.map(\.missing) == [0x4000, 0x2000])
  }

  @Test func onlyTheRangeIsCounted() {
    let counts = MachineMemoryReport(
      machine().memory, in: PhysicalAddress(0x8800)..<PhysicalAddress(0x10800))
    #expect(counts.present == 0x800)
    #expect(counts.zeros == 0x800)
    #expect(counts.excluded == 0)
    #expect(counts.truncated == 0x800)
  }

  @Test func registersOfUnknownAgeAreLabelled() {
    let report = RegistersReport(file: "core", cpus: machine().cpus, warnings: [])
    #expect(report.text(.plain).contains("the registers are of unknown age"))
  }
}
