public import Bytes
import Synchronization
public import Targets

/// A kernel's VMCOREINFO as it was found in guest memory.
public struct FoundVMCoreInfo: Sendable {
  public let info: VMCoreInfo
  /// The text, exactly as the descriptor of a VMCOREINFO note has it.
  public let bytes: ByteView
  /// Where the text begins.
  public let address: PhysicalAddress
  /// Why it is believed, a line each.
  public let evidence: [String]
  /// What else looked like it.
  public let rejected: [RejectedVMCoreInfo]
}

/// Bytes that look like VMCOREINFO and aren't the running kernel's.
public struct RejectedVMCoreInfo: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where the text begins.
  public let address: PhysicalAddress
  public let reason: String

  public var description: String {
    "what looks like VMCOREINFO at physical address \(address): \(reason)"
  }
}

/// Finds the VMCOREINFO of a Linux guest in its memory, where the hypervisor has no note of it.
///
/// The kernel keeps the text twice: in a page of its own, and as an ELF note in pages of its own
/// (kernel/crash_core.c, `crash_save_vmcoreinfo_init`; kernel/vmcore_info.c since 6.9). Anything
/// else that has the text is a copy in a file's page, the rest of a kernel that ran before, or made
/// up by a process in the guest, so nothing is believed that page tables and CPUs don't confirm.
public struct VMCoreInfoSearch: Sendable {
  public let machine: Machine
  /// Only the places in a page are looked at where a kernel keeps the text. The same is found, much
  /// faster, but what merely looks like the text elsewhere isn't told.
  public var readsKernelPlacesOnly = false
  private let release: @Sendable (ByteView) -> Void

  /// `release` is called with each part of memory when it was searched: a mapping's pages can be let
  /// go.
  public init(_ machine: Machine, release: @escaping @Sendable (ByteView) -> Void = { _ in }) {
    self.machine = machine
    self.release = release
  }

  /// Everything that the search saw.
  public struct Survey: Sendable {
    /// The running kernel's; nil if there is none, or if more than one is as likely.
    public let found: FoundVMCoreInfo?
    public let rejected: [RejectedVMCoreInfo]
  }

  /// Searches all of memory for the running kernel's VMCOREINFO.
  public func find() -> FoundVMCoreInfo? { survey().found }

  /// As `find()`, but tells what was rejected even if nothing was found.
  public func survey() -> Survey {
    let judge = VMCoreInfoJudge(machine)
    var claims: [VMCoreInfoClaim] = []
    var rejected: [RejectedVMCoreInfo] = []
    for address in occurrences() {
      do throws(RejectedVMCoreInfo) {
        claims.append(try judge.judge(address))
      } catch {
        rejected.append(error)
      }
    }
    return VMCoreInfoChoice(claims, rejected).survey
  }

  /// No real machine has as many; memory that was made to have them isn't followed further.
  static let limit = 1 << 16
  /// Of places that a kernel wouldn't choose only so many are told.
  private static let oddLimit = 64

  /// Where the text's first word stands at an address that is a multiple of 8: the kernel's own
  /// copies do, at offset 0 or 24 of a page. A process can fill its memory with that word, so other
  /// places mustn't crowd those out.
  private func occurrences() -> [PhysicalAddress] {
    let found = Mutex(LowestAddresses(limit: Self.limit))
    let odd = Mutex(LowestAddresses(limit: Self.oddLimit))
    PhysicalScan(machine.memory, release: release).forEachWindow { start, bytes in
      if readsKernelPlacesOnly {
        bytes.forEachKernelPlace(from: start) { address in found.withLock { $0.add(address) } }
        return
      }
      let first = (8 &- start.rawValue & 7) & 7
      bytes.forEachOccurrence(of: Self.firstWord, from: first) { offset in
        let address = start &+ offset
        if VMCoreInfoPlace.offsets.contains(address.rawValue % 4096) {
          found.withLock { $0.add(address) }
        } else {
          odd.withLock { $0.add(address) }
        }
        return true
      }
    }
    return (found.withLock { $0.sorted } + odd.withLock { $0.sorted }).sorted()
  }

  /// `OSRELEAS`.
  static let firstWord: UInt64 = 0x5341_454c_4552_534f
}

extension ByteView {
  /// Calls `body` with each address at which the text's first word stands where a kernel would put
  /// it. The first byte of the view is at `start`.
  fileprivate func forEachKernelPlace(
    from start: PhysicalAddress, _ body: (PhysicalAddress) -> Void
  ) {
    let word = UInt64(littleEndian: VMCoreInfoSearch.firstWord)
    for place in VMCoreInfoPlace.offsets {
      var offset = (place &- start.rawValue) & 4095
      do throws(ByteError) {
        while offset + 8 <= count {
          if try load(UInt64.self, at: offset) == word { body(start &+ offset) }
          offset += 4096
        }
      } catch {
        // Not reached: `offset` stays within the view.
        return
      }
    }
  }
}

/// The lowest of all addresses that were added, in whatever order: not more than a limit.
struct LowestAddresses {
  private let limit: Int
  private var addresses: [PhysicalAddress] = []

  init(limit: Int) { self.limit = limit }

  mutating func add(_ address: PhysicalAddress) {
    addresses.append(address)
    if addresses.count >= 2 * limit { addresses = sorted }
  }

  var sorted: [PhysicalAddress] { Array(addresses.sorted().prefix(limit)) }
}
