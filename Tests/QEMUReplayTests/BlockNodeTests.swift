import Testing

@testable import QEMUReplay

/// Disks that are given by -blockdev.
@Suite struct BlockNodeTests {
  private func plan(_ words: [String]) throws -> RecordingPlan {
    try RecordingPlanner.plan(
      QEMUArguments(["qemu-system-x86_64", "-nodefaults"] + words),
      now: (utc: "2026-01-31T12:00:00", local: "2026-01-31T13:00:00"))
  }

  private func texts(_ options: [QEMUArguments.Option]) -> [String] {
    options.filter { ["blockdev", "device", "machine"].contains($0.name) }.map(\.text)
      .filter { $0 != "-machine hpet=off" }
  }

  static let overlay =
    "-blockdev driver=qcow2,node-name=varve-disk0,file.driver=file,"
    + "file.filename={recording}/disk0.qcow2"
  static let replayed = "-blockdev driver=blkreplay,node-name=d,image=varve-disk0"
  static let device = ["-device", "virtio-blk-pci,drive=d"]

  /// Every way to say the same: a qcow2 image, called `d`, that a device uses.
  @Test(arguments: [
    [
      "-blockdev", "driver=qcow2,node-name=d,file.driver=file,file.filename=a,,b.img,discard=unmap",
    ],
    [
      "-blockdev", "driver=file,node-name=s,filename=a,,b.img,cache.direct=on", "-blockdev",
      "driver=qcow2,node-name=d,file=s",
    ],
    // A node may be named before it is made.
    [
      "-blockdev", "node-name=d,driver=qcow2,file=s", "-blockdev",
      #"{"driver":"file","node-name":"s","filename":"a,b.img","read-only":false}"#,
    ],
    [
      "-blockdev",
      #"{"driver":"qcow2","node-name":"d","file":{"driver":"file","filename":"a,b.img"},"backing":null}"#,
    ],
  ])
  func imageIsPutBehindAnOverlay(_ words: [String]) throws {
    for device in [Self.device, ["-device", #"{"driver":"ide-hd","drive":"d"}"#]] {
      let plan = try plan(words + device)
      let options = texts(plan.record)
      #expect(options.filter { $0.hasPrefix("-blockdev") } == [Self.overlay, Self.replayed])
      #expect(options.last == device.joined(separator: " "))
      #expect(texts(plan.replay) == options)
      #expect(
        plan.disks == [
          RecordingPlan.Disk(overlay: "disk0.qcow2", image: "a,b.img", format: "qcow2")
        ])
      #expect(plan.inputs.map(\.path) == ["a,b.img"])
      let nodes = words.count { $0 == "-blockdev" }
      #expect(plan.changes.count { $0.given.hasPrefix("-blockdev") } == nodes)
    }
  }

  @Test func rawImageReadOnly() throws {
    let plan = try plan(
      ["-blockdev", "driver=file,node-name=d,filename=x.iso,read-only=on"]
        + ["-device", "ide-cd,drive=d"])
    #expect(
      texts(plan.record).prefix(2) == [
        "-blockdev driver=raw,node-name=varve-disk0,read-only=on,file.driver=file,"
          + "file.filename=x.iso",
        "-blockdev driver=blkreplay,node-name=d,image=varve-disk0,read-only=on",
      ])
    #expect(plan.disks.isEmpty)
  }

  /// Firmware as libvirt gives it: nodes that the machine itself names.
  @Test func flash() throws {
    let plan = try plan([
      "-blockdev", #"{"driver":"file","filename":"CODE.fd","node-name":"c0"}"#, "-blockdev",
      #"{"node-name":"c","read-only":true,"driver":"raw","file":"c0"}"#, "-blockdev",
      #"{"driver":"file","filename":"VARS.fd","node-name":"v0"}"#, "-blockdev",
      #"{"node-name":"v","read-only":false,"driver":"raw","file":"v0"}"#, "-machine",
      "q35,pflash0=c,pflash1=v",
    ])
    #expect(
      texts(plan.record) == [
        "-blockdev driver=raw,node-name=c,read-only=on,file.driver=file,file.filename=CODE.fd",
        "-blockdev driver=qcow2,node-name=v,file.driver=file,"
          + "file.filename={recording}/disk0.qcow2",
        "-machine q35,pflash0=c,pflash1=v",
      ])
    #expect(plan.inputs.map(\.path) == ["CODE.fd", "VARS.fd"])
  }

  @Test func imageBehindIsRemembered() throws {
    let plan = try plan(
      [
        "-blockdev", #"{"driver":"file","filename":"base.img","node-name":"b0"}"#, "-blockdev",
        #"{"driver":"raw","file":"b0","node-name":"b"}"#, "-blockdev",
        "driver=qcow2,node-name=d,file.driver=file,file.filename=top.qcow2,backing=b",
      ] + Self.device)
    #expect(plan.backings == ["top.qcow2": "base.img"])
  }

  @Test func nodeWithoutUserIsLeftOut() throws {
    let plan = try plan(["-blockdev", "driver=file,node-name=d,filename=x.img"])
    #expect(texts(plan.record).isEmpty)
    #expect(plan.changes.contains { $0.used.isEmpty && $0.why.contains("no device uses it") })
  }

  /// The option that is refused is the one at fault, and the reason names what can't be done.
  @Test(arguments: [
    (["driver=raw"], "node-name"),
    (["driver=nbd,node-name=d,server.type=unix,server.path=s"], "driver nbd"),
    (["driver=raw,node-name=d,file.driver=https,file.url=x"], "driver https"),
    (["driver=throttle,node-name=d,throttle-group=g,file=s"], "driver throttle"),
    (["driver=qcow2,node-name=d,file=s"], "no node s"),
    (["driver=qcow2,node-name=d"], "driver none"),
    (["driver=raw,node-name=d,offset=512,file.driver=file,file.filename=x"], "offset="),
    (["driver=file,node-name=d"], "filename="),
    (["driver=file,node-name=d,filename=/dev/fdset/1"], "descriptor"),
    (
      [
        "driver=qcow2,node-name=d,file.driver=file,file.filename=x,encrypt.format=luks,"
          + "encrypt.key-secret=k"
      ], "encrypted"
    ),
    (
      [
        "driver=qcow2,node-name=d,file.driver=file,file.filename=x,backing.driver=nbd,"
          + "backing.path=y"
      ], "backing="
    ),
  ])
  func refusalSaysWhatCannotBeDone(_ nodes: [String], _ reason: String) {
    let error = #expect(throws: ReplayError.self) {
      try plan(nodes.flatMap { ["-blockdev", $0] } + Self.device)
    }
    guard case .refused(let option, let why) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(option == "-blockdev \(nodes[0])")
    #expect(why.contains(reason), "\(why)")
  }

  @Test func damagedJSON() {
    #expect(throws: ReplayError.commandLine("{\"driver\": is no JSON object")) {
      try plan(["-blockdev", "{\"driver\":"])
    }
  }

  @Test func objectsAreLists() throws {
    let list = try #require(
      try JSONText.list(
        #"{"a":{"b":"c","d":[1,{"e":true}]},"f":null,"g":1.5,"h":"x,y"}"#))
    #expect(list.text == "a.b=c,a.d.0=1,a.d.1.e=on,f=,g=1.5,h=x,,y")
    #expect(try JSONText.list("driver=x") == nil)
  }
}
