internal import GDBRemote

/// What commands a recording has, as help tells of them.
enum ReplayCommands {
  static let all: [MonitorCommand] = [
    MonitorCommand(
      "when", summary: "Where we are: instruction, share of the recording, guest time."),
    MonitorCommand(
      "seek", arguments: "MOMENT|PERCENT%|TIMEs|start|end|BOOKMARK",
      summary: "Go there. A moment is a count of instructions, in decimal.",
      examples: ["seek 1200000000", "seek 50%", "seek 12.5s", "seek end", "seek before-panic"]),
    MonitorCommand(
      "checkpoint", arguments: "[delete NAME|MOMENT]",
      summary: "Save the machine's state here, for good; or forget a saved one.",
      examples: ["checkpoint", "checkpoint delete varve-1200000000"]),
    MonitorCommand("checkpoints", summary: "List the states that are saved."),
    MonitorCommand(
      "bookmark", arguments: "NAME|delete NAME", summary: "Name this moment; or forget a name.",
      examples: ["bookmark before-panic", "bookmark delete before-panic"]),
    MonitorCommand("bookmarks", summary: "List the bookmarks."),
    MonitorCommand(
      "last-write", arguments: "[phys:]ADDRESS|$REGISTER[,LENGTH]",
      summary: "Which instruction wrote there last. The position stays.",
      examples: ["last-write 0xffffffff82a1c0c8,8", "last-write $rsp", "last-write phys:7e00,512"]),
    MonitorCommand(
      "every", arguments: "[break:ADDRESS|write:RANGE|read:RANGE|access:RANGE…] [LIMIT]",
      summary:
        "All moments at which these, or the debugger's breakpoints and watchpoints, would stop.",
      examples: ["every", "every 20", "every break:ffffffff810a2b30", "every write:$rsp,8 100"]),
    MonitorCommand(
      "timeline", arguments: "[svg FILE]",
      summary: "Draw the recording: checkpoints, bookmarks, where we are, what every found.",
      examples: ["timeline", "timeline svg boot.svg"]),
  ]
}
