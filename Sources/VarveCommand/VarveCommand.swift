import ArgumentParser
import Varve

/// `varve`: parses arguments, calls the library, prints what it gives.
@main
struct VarveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "varve",
    abstract: "A debugger for virtual machines, layer by layer.",
    discussion: """
      Open the outermost file, the core dump of a QEMU process or a vmcore, and look at every layer \
      inside it: host threads and QEMU's coroutines, with source lines and arguments where debug \
      information exists, and correctly without any; the guest's memory and CPUs; the Linux kernel \
      in it, its tasks and their stacks, by nothing but its memory. Inputs are never written.

      EXAMPLES
        varve info core                      what is in this file
        varve bt core -a                     every thread's backtrace
        varve bt core -a --coroutines        and every coroutine's
        varve coroutines core --waits        who waits for whom
        varve vmcore core -o vmcore          the guest's memory, for crash and drgn
        varve regs core --cpu 0              the guest's registers
        varve memory core --phys 0x1000 64   the guest's memory
        varve ps core                        the guest's tasks
        varve bt core --guest --pid 1        a task's kernel stack
        varve dmesg core                     the guest kernel's log
        varve maps core --pid 1              the mappings of a guest's process
        varve type core task_struct          a type of the guest kernel's, with offsets
        varve print core init_task.comm      the guest kernel's data
        varve core core --coroutines-as-threads -o out.core
                                             a core that gdb and lldb show coroutines of
        varve record -o boot -- qemu-system-x86_64 -m 256 …
                                             all that a guest does
        varve replay boot                    for gdb, forwards and backwards

      Exit status: 0 success, 1 the input can't be read, 64 the command line can't be understood.
      """,
    version: "varve \(Varve.version)",
    subcommands: [Info.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Processes",
        subcommands: [Backtraces.self, CoroutineList.self, WriteCore.self]),
      CommandGroup(
        name: "The guest's machine",
        subcommands: [Registers.self, MemoryContents.self, WriteVMCore.self]),
      CommandGroup(
        name: "The guest's kernel",
        subcommands: [
          TaskListCommand.self, TaskMappings.self, Dmesg.self, KernelModuleList.self,
          SymbolLookup.self, TypeLayout.self, PrintExpression.self,
        ]),
      CommandGroup(
        name: "Back in time", subcommands: [Record.self, Replay.self, TimelineView.self]),
    ])
}
