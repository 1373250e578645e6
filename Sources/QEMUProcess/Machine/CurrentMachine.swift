import Bytes
import Targets

/// What QEMU's `current_machine` says.
struct CurrentMachine {
  /// How the guest's code is executed.
  enum Accelerator: Hashable {
    /// QEMU translates it: the registers are its own variables.
    case tcg
    /// The named one lets the hardware execute it: the registers are elsewhere most of the time.
    case hardware(String)
  }

  private let structures: QEMUStructures
  private let objects: QOMObjects
  let address: VirtualAddress

  init(_ structures: QEMUStructures) throws(StructureError) {
    guard let variable = try structures.global(["current_machine"], in: "machine.c") else {
      throw .noVariable("current_machine")
    }
    self.structures = structures
    objects = QOMObjects(structures)
    address = VirtualAddress(try variable.unsigned())
  }

  /// `pc-i440fx-7.2`: the type's name without the `-machine` that all such names end in
  /// (include/hw/boards.h, TYPE_MACHINE_SUFFIX).
  func type() throws(StructureError) -> String {
    let name = try objects.typeName(of: address)
    return name.hasSuffix("-machine") ? String(name.dropLast(8)) : name
  }

  /// By the type of the machine's accelerator: `tcg-accel`, `kvm-accel`, …
  func accelerator() throws(StructureError) -> Accelerator {
    guard let state = try structures.structure("MachineState", in: "machine.c", at: address) else {
      throw .wrongType(wanted: "MachineState", address: address)
    }
    let accelerator = VirtualAddress(try state.member("accelerator").unsigned())
    let type = try objects.typeName(of: accelerator)
    let name = type.hasSuffix("-accel") ? String(type.dropLast(6)) : type
    return name == "tcg" ? .tcg : .hardware(name)
  }

  /// Where the guest told the device `vmcoreinfo` that its note is (hw/misc/vmcoreinfo.c;
  /// docs/specs/vmcoreinfo.rst); nil if there is no such device, or it was told nothing, or a format
  /// other than ELF.
  ///
  /// The device has no bus; so QEMU keeps it among the machine's `peripheral`s, or
  /// `peripheral-anon`s if it was given no name (softmmu/qdev-monitor.c, `qdev_set_id`).
  func vmcoreInfo() throws(StructureError) -> VMCoreInfoPlace? {
    for (name, container) in try objects.children(of: address)
    where name == "peripheral" || name == "peripheral-anon" {
      for (_, device) in try objects.children(of: container)
      where try objects.typeName(of: device) == "vmcoreinfo" {
        return try place(toldTo: device)
      }
    }
    return nil
  }

  /// FWCfgVMCoreInfo (include/standard-headers/linux/qemu_fw_cfg.h): little-endian numbers.
  private func place(toldTo address: VirtualAddress) throws(StructureError) -> VMCoreInfoPlace? {
    guard
      let device = try structures.structure("VMCoreInfoState", in: "vmcoreinfo.c", at: address)
    else { return nil }
    let told = try device.member("vmcoreinfo")
    // FW_CFG_VMCOREINFO_FORMAT_ELF
    guard try device.member("has_vmcoreinfo").isTrue(),
      try told.member("guest_format").unsigned() == 1
    else { return nil }
    return VMCoreInfoPlace(
      start: PhysicalAddress(try told.member("paddr").unsigned()),
      count: try told.member("size").unsigned())
  }
}
