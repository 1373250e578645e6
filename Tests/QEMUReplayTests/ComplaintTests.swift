import Testing

@testable import QEMUReplay

/// Of what QEMU said, the line that tells why it ended.
struct ComplaintTests {
  @Test(arguments: [
    ("", ""),
    (
      "warning: one\nqemu-system-x86_64: no such machine\n\n", "qemu-system-x86_64: no such machine"
    ),
    (
      "warning: one\nqemu: fatal: Raised interrupt while not in I/O function\n"
        + "EAX=00000000 EBX=00009500\nXMM14=0000000000000000 XMM15=0000000000000000\n",
      "qemu: fatal: Raised interrupt while not in I/O function"
    ),
    (
      "qemu: hardware error: register doesn't exist\n\nCPU #0:\nRAX=0000000000000000\n",
      "qemu: hardware error: register doesn't exist"
    ),
  ])
  func isFound(_ text: String, _ line: String) {
    #expect(ToolRun.complaint(text) == line)
  }
}
