import ArgumentParser
import Varve

/// `varve info`
struct Info: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Say what a file holds.",
    discussion: """
      Of a process's core: the process, the signal that ended it, how much of its memory is there \
      and how much is missing, its modules, and which files were found for them. Of a machine, in a \
      dump of its own or inside QEMU's process: its memory map, what of it is missing, its CPUs and \
      its kernel. With --explain it adds how each thing was found and verified, and what was refused \
      and why.

      EXAMPLES
        varve info core
        varve info core --explain --sysroot /srv/root-of-that-machine
        varve info vmcore                    a dump of a machine: ELF, kdump-compressed, flattened
        varve info ram.img@0                 raw memory
        varve info recording                 the directory that varve record made
        varve info core --json | jq .memory
      """)

  @Argument(help: "The dump.", completion: .file())
  var file: String

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      if try isRecording {
        let report = try RecordingReport(opening: file, progress: session.progress)
        return try session.print(report) { $0.text(output.style) }
      }
      let report = try InfoReport(
        ofFile: file, options: machine.options(search), isThorough: output.explain,
        progress: session.progress)
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style, explain: output.explain) }
    }
  }

  /// Whether the input is the directory of a recording.
  private var isRecording: Bool {
    get throws {
      do throws(HostError) { return try FileFacts(file).isDirectory } catch {
        // `pid:N` and `FILE@ADDR` name no file; that there is none is told where it is opened.
        if error.isAbsence { return false }
        throw error
      }
    }
  }
}
