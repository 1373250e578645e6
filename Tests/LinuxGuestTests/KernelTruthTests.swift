import Bytes
import Foundation
import HostSystem
import LinuxGuest
import MachineDumps
import Symbols
import Targets
import TestWorlds
import Testing

/// A guest of the laboratory that told, just before it was dumped, what it knows of itself.
struct WitnessedGuest: Sendable, CustomStringConvertible {
  let subject: LaboratoryManifest.Subject

  var description: String { subject.name }

  /// One guest at rest for each kernel; none without a laboratory.
  static let idle: [WitnessedGuest] = LaboratoryManifest.subjects
    .filter { $0.truth["kallsyms"] != nil && $0.name.hasSuffix("-idle") }
    .map(WitnessedGuest.init)

  func kernel() throws -> LinuxKernel {
    let path = try #require(subject.truth["qmp_dump"])
    return try LinuxKernel.find(in: MachineDump(MappedFile.open(path)).machine)
  }

  /// The lines of a truth, split into words.
  func lines(_ truth: String) throws -> [[Substring]] {
    let text = try #require(try subject.answer(truth))
    return text.split(separator: "\n").map { $0.split { $0 == " " || $0 == "\t" } }
  }
}

@Suite struct KernelTruthTests {
  /// In debug builds only so many symbols can be compared.
  private static let stride = LaboratoryManifest.isEverythingWanted ? 1 : 37

  /// `/proc/kallsyms`: the image's symbols in their order, then modules'.
  @Test(arguments: WitnessedGuest.idle) func symbolsAreThoseOfTheKernel(
    _ guest: WitnessedGuest
  ) throws {
    let kernel = try guest.kernel()
    let kallsyms = try #require(kernel.symbols as? Kallsyms)
    let truth = try guest.lines("kallsyms")
    let modules = Set(try kernel.modules().loaded.map(\.name))
    #expect(truth[..<kallsyms.count].allSatisfy { $0.count == 3 })
    for index in Swift.stride(from: 0, to: truth.count, by: Self.stride) {
      let words = truth[index]
      let value = try #require(UInt64(words[0], radix: 16))
      let name = String(words[2])
      if index < kallsyms.count {
        let entry = kallsyms.entry(index)
        #expect(
          entry.name == name && entry.value == value && String(entry.letter) == words[1],
          "\(words) \(entry)")
        #expect(kallsyms.symbols(named: name).contains { $0.address == value }, "\(words)")
        if value >> 63 == 1, value < kernel.place.image.upperBound.rawValue {
          #expect(kallsyms.symbol(at: value)?.offset == 0, "\(words)")
        }
      } else if let module = words.last?.dropFirst().dropLast(), modules.contains(String(module)) {
        let found = kernel.symbols(named: name).filter { $0.module == String(module) }
        // Of modules, it has the letters of exported symbols in upper case, nm those of all global
        // ones.
        let letters = [String(words[1]), words[1].uppercased()]
        #expect(
          found.contains { $0.value == value && letters.contains(String($0.letter)) },
          "\(words) \(found)")
      }
    }
  }

  /// `/proc/modules`, word for word.
  @Test(arguments: WitnessedGuest.idle) func modulesAreThoseOfTheKernel(
    _ guest: WitnessedGuest
  ) throws {
    let kernel = try guest.kernel()
    let modules = try kernel.modules()
    #expect(modules.diagnostics == [])
    let lines = modules.loaded.map { module in
      let users = module.users.isEmpty ? "-" : module.users.map { $0 + "," }.joined()
      var line = "\(module.name) \(module.size) \(module.useCount.map { "\($0)" } ?? "-") \(users)"
      line += " \(module.state?.name ?? "?") \(module.base?.description ?? "?")"
      return module.taints == 0 ? line : line + " (\(module.taintLetters))"
    }
    #expect(lines == (try guest.lines("guest_modules")).map { $0.joined(separator: " ") })
    for module in modules.loaded {
      #expect(module.diagnostics == [], "\(module.name)")
      #expect(module.buildID?.bytes.count == 20, "\(module.name)")
      #expect(module.orc != nil, "\(module.name)")
      #expect(!module.symbols.isEmpty, "\(module.name)")
      for region in module.regions {
        #expect(modules.module(at: region.range.lowerBound)?.name == module.name)
      }
    }
  }

  /// Split BTF since 5.11: a module's types, and the kernel's through them.
  @Test(arguments: WitnessedGuest.idle) func modulesHaveTypes(_ guest: WitnessedGuest) throws {
    let kernel = try guest.kernel()
    let module = try #require(try kernel.modules().module(named: "qemu_fw_cfg"))
    guard module.types != nil else {
      #expect(kernel.release.hasPrefix("5.10."))
      return
    }
    let types = try #require(try kernel.types(of: module))
    let entry = try #require(try types.type(named: "struct fw_cfg_sysfs_entry"))
    #expect(try entry.member(named: "list").byteOffset > 0)
    #expect(try types.type(named: "struct task_struct")?.size() != nil)
    #expect(try kernel.types.type(named: "struct fw_cfg_sysfs_entry") == nil)
  }

  @Test(arguments: WitnessedGuest.idle) func everyCPUHasItsOwn(_ guest: WitnessedGuest) throws {
    let kernel = try guest.kernel()
    let cpus = try kernel.cpus(.possible)
    #expect(try kernel.cpus(.online) == Array(0..<(guest.subject.vcpus ?? 0)))
    #expect(try kernel.cpus(.present) == kernel.cpus(.online))
    for cpu in cpus {
      let queue = try kernel.perCPU("runqueues", "struct rq", cpu: cpu)
      #expect(try queue.member("cpu").unsigned() == UInt64(cpu))
      let place = try #require(kernel.symbolPlace(at: queue.address &+ 8))
      #expect(place.symbol.name == "runqueues" && place.offset == 8 && place.cpu == cpu)
      let task = try #require(try kernel.currentTask(cpu))
      let hasMoved = try task.hasMember("thread_info.cpu")  // 5.16–
      #expect(try task.member(hasMoved ? "thread_info.cpu" : "cpu").unsigned() == UInt64(cpu))
    }
    #expect(throws: StructureError.self) { try kernel.perCPUOffset(cpus.count + 8192) }
    #expect(throws: StructureError.self) { try kernel.perCPUOffset(-1) }
  }
}
