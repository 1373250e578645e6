import Foundation
import TestWorlds
import Testing

extension RecordedGuest {
  /// QEMU's own scenario for reverse debugging, by gdb on `varve replay`: ten steps, ten back, ten
  /// forward again; breakpoints on all, continue, reverse-continue to the last.
  func expectDebuggerGoesBack() throws {
    let socket = scratch.file("gdb.socket")
    let server = try RunningTool(
      Command.path, "replay", path, "--listen", "unix:" + socket, in: scratch, errorsToo: true)
    while !(try server.readLine().contains("in gdb: target remote")) {}
    let script = """
      set pagination off
      set confirm off
      set remotetimeout 300
      target remote \(socket)
      monitor seek 60%
      maintenance flush register-cache
      python
      pc = lambda: int(gdb.parse_and_eval('$pc')) & (2**64 - 1)
      def go(command):
        gdb.execute(command, to_string=True)
        return pc()
      first = [pc()] + [go('stepi') for _ in range(10)]
      back = [go('reverse-stepi') for _ in range(10)]
      again = [go('stepi') for _ in range(10)]
      print('SAME', back == first[-2::-1], again == first[1:])
      for address in set(first): gdb.execute('hbreak *%d' % address, to_string=True)
      end = go('reverse-continue')
      print('LAST', end == first[-2])
      gdb.execute('delete')
      gdb.execute('reverse-continue')
      end
      monitor when
      kill
      """
    try scratch.write(script, to: "script.gdb")
    let text = try Tool.run(processor.debugger, "-nx", "-batch", "-x", "script.gdb", in: scratch)
    #expect(text.contains("SAME True True"), "\(text)")
    #expect(text.contains("LAST True"), "\(text)")
    #expect(text.contains("No more reverse-execution history"), "\(text)")
    #expect(text.contains("instruction 0 (0.00%)"), "\(text)")
    let ending = server.end(by: SIGTERM)
    #expect(ending.status == 0 && ending.signal == nil)
  }
}
