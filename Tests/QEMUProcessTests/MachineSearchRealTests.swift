import Bytes
import Foundation
import QEMUProcess
import Synchronization
import Targets
import Testing

@Suite("Machines by shape in real cores", .serialized)
struct MachineSearchRealTests {
  private static let found = Mutex<[String: MachineSearch.Result]>([:])

  /// What the search found, made once for all tests.
  static func found(_ subject: MachineSubject) throws -> MachineSearch.Result {
    if let known = found.withLock({ $0[subject.name] }) { return known }
    let result = try MachineSearch(subject.process()).search()
    found.withLock { $0[subject.name] = result }
    return result
  }

  @Test(arguments: MachineSubject.all)
  func memoryMapIsQEMUs(_ subject: MachineSubject) throws {
    let result = try Self.found(subject)
    let layout = result.layout
    #expect(result.confidence == .structures)
    #expect(layout.ranges.map { TruthRange($0, of: layout) } == (try subject.ranges()))
    #expect(layout.diagnostics.filter { !$0.hasSuffix("isn't in the dump") } == [])
    let machine = try #require(subject.machine)
    #expect(result.type == machine || result.type?.contains(machine) == true)
    #expect(result.accelerator == .tcg)
  }

  @Test(arguments: MachineSubject.all)
  func registersAreQEMUs(_ subject: MachineSubject) throws {
    let result = try Self.found(subject)
    let truth = try subject.registers()
    #expect(result.diagnostics == [])
    #expect(result.cpus.count == truth.count)
    for (cpu, expected) in zip(result.cpus, truth) {
      #expect(cpu.freshness == .current)
      let differences = RegisterComparison(cpu.x86, expected).differences
      #expect(differences == [], "CPU \(cpu.index)")
    }
  }
}

/// Compares registers with what `info registers` printed.
struct RegisterComparison {
  private let state: X86CPUState
  private let expected: [String: [String]]
  private(set) var differences: [String] = []

  init(_ state: X86CPUState, _ expected: [String: [String]]) {
    self.state = state
    self.expected = expected
    compareGeneral()
    compareSegments()
    compareSystem()
    compareFloatingPoint()
  }

  /// Compares as many digits as were printed.
  private mutating func compare(_ name: String, _ index: Int, _ value: UInt64?) {
    guard let values = expected[name], values.indices.contains(index) else { return }
    let digits = values[index]
    let wanted = UInt64(digits, radix: 16)
    let mask = digits.count >= 16 ? UInt64.max : (1 << (UInt64(digits.count) * 4)) - 1
    if wanted == nil || value.map({ $0 & mask }) != wanted {
      differences.append(
        "\(name)[\(index)] is \(digits), not \(value.map { String($0, radix: 16) } ?? "unknown")")
    }
  }

  private mutating func compareGeneral() {
    let isLong = expected["RAX"] != nil
    for register in X86CPUState.General.allCases {
      let name = "\(register)".uppercased()
      compare(isLong ? name : "E" + name.dropFirst(), 0, state[register])
    }
    compare("RIP", 0, state.rip)
    compare("EIP", 0, state.rip)
    compare("RFL", 0, state.rflags)
    compare("EFL", 0, state.rflags)
    if expected["EIP"] == nil, expected["RIP"] == nil { differences.append("no truth") }
  }

  private mutating func compareSegments() {
    for register in X86CPUState.SegmentRegister.allCases {
      let name = "\(register)".uppercased()
      let segment = state.segments[register]
      if register == .gdt || register == .idt {
        compare(name, 0, segment?.base)
        compare(name, 1, segment.map { UInt64($0.limit) })
      } else {
        compare(name, 0, segment.map { UInt64($0.selector) })
        compare(name, 1, segment?.base)
        compare(name, 2, segment.map { UInt64($0.limit) })
        // The lowest and highest bytes, parts of the base, aren't printed.
        compare(name, 3, segment.map { UInt64($0.flags & 0xff_ff00) })
      }
    }
  }

  private mutating func compareSystem() {
    compare("CR0", 0, state.cr0)
    compare("CR2", 0, state.cr2)
    compare("CR3", 0, state.cr3)
    compare("CR4", 0, state.cr4)
    for number in [0, 1, 2, 3, 6, 7] { compare("DR\(number)", 0, state.debug[number]) }
    compare("EFER", 0, state[.efer])
    // Nothing prints these; a guest in long mode has set them.
    guard state.mode == .long, state.cr0.map({ $0 & 1 << 31 != 0 }) == true else { return }
    if state[.star] != 0x0023_0010_0000_0000 || state[.lstar].map({ $0 >> 47 }) != 0x1ffff {
      differences.append("STAR is \(String(describing: state[.star]))")
    }
    if state[.pat].map({ $0 & 0xff }) != 6 { differences.append("there is no PAT") }
  }

  private mutating func compareFloatingPoint() {
    guard let image = state.extendedState else {
      differences.append("there are no vector registers")
      return
    }
    func number(_ offset: Int, _ count: Int) -> UInt64 {
      image[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    compare("FCW", 0, number(0, 2))
    compare("FSW", 0, number(2, 2))
    compare("FTW", 0, number(4, 1))
    compare("MXCSR", 0, number(24, 4))
    let top = Int(number(2, 2) >> 11 & 7)
    for index in 0..<8 {
      let place = 32 + (index - top + 8) % 8 * 16
      compare("FPR\(index)", 0, number(place, 8))
      compare("FPR\(index)", 1, number(place + 8, 2))
    }
    for index in 0..<16 {
      let name = "XMM" + (index < 10 ? "0" : "") + String(index)
      // Outside of long mode only eight are printed.
      let wide = expected["Y" + name.dropFirst()].map { Array($0.suffix(2)) }
      guard let printed = expected[name] ?? wide else {
        if index < 8 { differences.append("there is no \(name)") }
        continue
      }
      let halves = [number(160 + index * 16 + 8, 8), number(160 + index * 16, 8)].map { half in
        let digits = String(half, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
      }
      // Older releases print both halves in one.
      if printed.joined() != halves.joined() {
        differences.append("\(name) is \(printed.joined()), not \(halves.joined())")
      }
    }
  }
}
