public import ArgumentParser
public import Varve

/// `varve vmcore`
struct WriteVMCore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vmcore",
    abstract: "Write the guest's memory as a vmcore that crash and drgn open.",
    discussion: """
      The guest's memory map and CPU registers are found in QEMU's process, by debug information \
      where there is any and by the shape of QEMU's structures where there is none, and written as \
      QEMU's own dump-guest-memory would have. VMCOREINFO is looked for in guest memory, so the \
      guest needn't have loaded the qemu_fw_cfg driver.

      Memory that the input doesn't hold is left out of the output, never written as zeros, and \
      the summary counts it. The output is readable by its owner only, and appears complete or not \
      at all. The kdump formats hold whole pages, so there --begin and --length are rounded outwards.

      FILE is a core of a QEMU process, a vmcore (ELF, kdump-compressed, flattened), raw memory as \
      FILE@ADDR, or a running QEMU as pid:N.

      EXAMPLES
        varve vmcore core -o vmcore          as ELF
        varve vmcore core -o vmcore.kdump --format kdump-zstd --filter zero
                                             packed, without pages of zeros
        varve vmcore core -o vmcore.kdump --format kdump-zstd -d 31
                                             without free pages, caches and users' memory too
        varve vmcore core -o - | ssh analyst 'cat > vmcore'
                                             through a pipe
        varve vmcore core -o - --format kdump-zstd | ssh analyst 'makedumpfile -R vmcore'
                                             packed, in makedumpfile's flattened form
        varve vmcore pid:4711 --qmp /run/vm1/qmp.sock -o vmcore
                                             of a running QEMU, paused meanwhile
        varve vmcore core -o vmcore --ram 0x7f1200000000:0x10000000@0
                                             with a memory map given by hand
      """)

  @Argument(help: "The input.", completion: .file())
  var file: String

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The file to write; - for standard output.", valueName: "out"),
    completion: .file())
  var outputFile: String

  @Option(
    name: [.customLong("format")],
    help: ArgumentHelp(
      "elf, kdump-zlib, kdump-lzo, kdump-snappy, kdump-zstd or raw.", valueName: "format"))
  var format = VMCoreFormat.elf

  @Option(
    name: .customLong("begin"),
    help: ArgumentHelp("Leave out memory below the physical address ADDR.", valueName: "addr"))
  var begin: AddressArgument?

  @Option(
    name: .customLong("length"),
    help: ArgumentHelp(
      "Leave out memory from LENGTH bytes after --begin on; K, M, G and T count in powers of 1024.",
      valueName: "length"))
  var length: SizeArgument?

  @Option(
    name: .customLong("filter"),
    help: ArgumentHelp("What to leave out: zero (pages of nothing but zeros).", valueName: "what"))
  var filter: MemoryFilter?

  @Option(
    name: [.customShort("d"), .customLong("dump-level")],
    help: ArgumentHelp(
      "Leave out pages by what the guest's Linux kernel uses them for, as makedumpfile -d does: the sum of 1 (zeros), 2 (cache without private pages), 4 (all cache), 8 (user data), 16 (free).",
      valueName: "level"))
  var level: UInt8?

  @Option(
    name: .customLong("threads"),
    help: ArgumentHelp("Pack pages with N threads; default: one for each CPU.", valueName: "n"))
  var threads: Int?

  @Flag(
    name: .customLong("absent-as-zeros"),
    help: "Write a raw image although memory is missing; missing memory reads as zeros there.")
  var allowsAbsentAsZeros = false

  @Flag(name: .customLong("force"), help: "Replace an existing file.")
  var isForced = false

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1.") }
    if outputFile == "-", output.isJSON {
      throw ValidationError("--json and -o - both want standard output.")
    }
    if let length, length.bytes == 0 { throw ValidationError("--length must be at least 1.") }
    if filter != nil, format == .raw {
      throw ValidationError("--filter doesn't go with --format raw, which leaves nothing out.")
    }
    if let level, level > DumpLevel.all.rawValue {
      throw ValidationError("--dump-level is a number from 0 to 31.")
    }
    if level != nil, format == .raw {
      throw ValidationError("--dump-level doesn't go with --format raw, which leaves nothing out.")
    }
    if level != nil, filter != nil {
      throw ValidationError("--filter zero and --dump-level exclude each other: zeros are 1.")
    }
    if allowsAbsentAsZeros, format != .raw {
      throw ValidationError(
        "--absent-as-zeros goes with --format raw only: other formats record what is absent.")
    }
  }

  func run() async throws {
    try Session.run(output) { session in
      var options = VMCoreOptions(format: format)
      options.range = range
      options.filtersZeroPages = filter == .zero
      options.level = level.map { DumpLevel(rawValue: $0) }
      options.threadCount = threads
      options.allowsAbsentAsZeros = allowsAbsentAsZeros
      let report = try MachineSource.withOpened(
        file, options: machine.options(search), progress: session.progress
      ) { source in
        try source.writeVMCore(
          to: outputFile, options: options, replacing: isForced, progress: session.progress)
      }
      session.warn(report.warnings)
      if outputFile == "-" {
        session.note(report.text(.plain))
      } else {
        try session.print(report) { $0.text(output.style) }
      }
    }
  }

  private var range: Range<PhysicalAddress>? {
    guard begin != nil || length != nil else { return nil }
    let start = PhysicalAddress(begin?.address.rawValue ?? 0)
    let end = length.flatMap { start.advanced(by: $0.bytes) } ?? PhysicalAddress(.max)
    return start..<end
  }
}

extension VMCoreFormat: ExpressibleByArgument {}

/// The values of `--filter`.
enum MemoryFilter: String, ExpressibleByArgument, CaseIterable {
  case zero
}
