import ArgumentParser
import Varve

/// `varve memory`
struct MemoryContents: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory",
    abstract: "Print memory of any layer.",
    discussion: """
      --phys reads the guest's physical memory, --virt what a CPU of the guest sees through its page \
      tables, --host the memory of QEMU's process. Bytes that the input doesn't hold are told, with \
      the reason, and never shown as zeros. ADDR is hexadecimal, LENGTH decimal or hexadecimal with \
      0x; K, M and G count in powers of 1024.

      EXAMPLES
        varve memory core --phys 0x7c00 512
        varve memory core --virt 0xffffffff81000000 64 --cpu 1
        varve memory core --host 0x55d0c2b8a3f0 256
        varve memory core --phys 0 640K --binary > low.img
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @Option(
    name: .customLong("phys"),
    help: ArgumentHelp("Read the guest's physical address ADDR.", valueName: "addr"))
  var physical: AddressArgument?

  @Option(
    name: .customLong("virt"),
    help: ArgumentHelp("Read the guest's virtual address ADDR.", valueName: "addr"))
  var virtual: AddressArgument?

  @Option(
    name: .customLong("host"),
    help: ArgumentHelp("Read address ADDR of QEMU's process.", valueName: "addr"))
  var host: AddressArgument?

  @Argument(help: "How many bytes.")
  var length: SizeArgument

  @Option(
    name: .customLong("cpu"),
    help: ArgumentHelp("Use the page tables of CPU N; default: 0.", valueName: "n"))
  var cpu: Int?

  @Flag(
    name: .customLong("binary"),
    help: "Write the bytes as they are; missing ones end the output with an error.")
  var isBinary = false

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if [physical, virtual, host].count(where: { $0 != nil }) != 1 {
      throw ValidationError("Say where: one of --phys, --virt and --host.")
    }
    if cpu != nil && virtual == nil { throw ValidationError("--cpu goes with --virt only.") }
    if host != nil, !machine.ram.isEmpty || !machine.ramFiles.isEmpty {
      throw ValidationError(
        "--host reads the process itself: --ram and --ram-file don't apply.")
    }
    if isBinary && output.isJSON {
      throw ValidationError("--binary and --json exclude each other.")
    }
    if length.bytes == 0 { throw ValidationError("LENGTH must be at least 1.") }
    if !isBinary && length.bytes > Self.printedLimit {
      throw ValidationError("More than 64M bytes are written with --binary only.")
    }
  }

  /// More than that nobody reads, and it would all be held as text.
  private static let printedLimit: UInt64 = 64 << 20

  func run() async throws {
    try Session.run(output) { session in
      let options = machine.options(search)
      if host != nil {
        try MemoryLayers.withOpenedProcess(file, options: options, progress: session.progress) {
          try show($0, session)
        }
      } else {
        try MachineSource.withOpened(file, options: options, progress: session.progress) {
          try show(MemoryLayers($0), session)
        }
      }
    }
  }

  private func show(_ layers: MemoryLayers, _ session: Session) throws {
    guard isBinary else {
      let report = try layers.contents(at: place, count: length.bytes)
      session.warn(report.warnings)
      return try session.print(report) { $0.text(output.style) }
    }
    guard !StandardStream.output.isTerminal else {
      throw VarveError(file: "standard output", reason: "is a terminal: no place for raw bytes")
    }
    session.warn(layers.warnings)
    try layers.writeBytes(at: place, count: length.bytes)
  }

  private var place: MemoryPlace {
    if let physical { return .physical(PhysicalAddress(physical.address.rawValue)) }
    if let virtual { return .virtual(virtual.address, cpu: cpu ?? 0) }
    return .host(host?.address ?? VirtualAddress(0))
  }
}
