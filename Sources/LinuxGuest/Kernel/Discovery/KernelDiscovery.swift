public import Bytes
internal import Symbols
public import Targets

/// Finds the Linux kernel in a machine's memory.
///
/// Ways are tried in order, and every one ends in page tables that prove it: the VMCOREINFO note that
/// came with the machine; the image that the page tables of a CPU map; VMCOREINFO somewhere in
/// memory; kallsyms somewhere in memory.
public struct KernelDiscovery: Sendable {
  public let machine: Machine
  private let release: @Sendable (ByteView) -> Void

  /// No image is larger (`KERNEL_IMAGE_SIZE`, arch/x86/include/asm/page_64_types.h).
  static let imageLimit: UInt64 = 1 << 30

  /// `release` is called with each part of memory when it was searched: a mapping's pages can be let
  /// go.
  public init(_ machine: Machine, release: @escaping @Sendable (ByteView) -> Void = { _ in }) {
    self.machine = machine
    self.release = release
  }

  /// Throws `.noKernel` if no way leads to one, and whatever keeps the one that was found from being
  /// read.
  public func find() throws(LinuxGuestError) -> LinuxKernel {
    try KernelAssembly(machine).kernel(try locate())
  }

  private func locate() throws(LinuxGuestError) -> LocatedKernel {
    var attempts: [String] = []
    for way in Way.allCases {
      do throws(DeadEnd) {
        guard var kernel = try locate(way) else { continue }
        kernel.diagnostics = attempts + kernel.diagnostics
        return kernel
      } catch {
        attempts.append(error.reason)
      }
    }
    throw .noKernel(attempts)
  }

  private enum Way: CaseIterable {
    case note, cpu, vmcoreInfo, shape
  }

  private func locate(_ way: Way) throws(DeadEnd) -> LocatedKernel? {
    switch way {
    case .note:
      guard let note = machine.vmcoreInfo else { return nil }
      return try KernelByVMCoreInfo(machine: machine).locate(note: note)
    case .cpu: return try KernelByCPU(machine: machine).locate()
    case .vmcoreInfo: return try KernelByVMCoreInfo(machine: machine).search(release)
    case .shape: return try KernelByShape(machine.memory, release: release).locate()
    }
  }
}

extension LinuxKernel {
  /// The Linux kernel in `machine`: see `KernelDiscovery`.
  public static func find(
    in machine: Machine, release: @escaping @Sendable (ByteView) -> Void = { _ in }
  ) throws(LinuxGuestError) -> LinuxKernel {
    try KernelDiscovery(machine, release: release).find()
  }
}
