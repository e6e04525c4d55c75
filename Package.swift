// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "spadix",
  products: [
    .executable(name: "spadix", targets: ["spadix"]),
    .library(name: "Spadix", targets: ["Spadix"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
  ],
  targets: [
    .executableTarget(name: "spadix", dependencies: ["SpadixCommands"]),
    .target(
      name: "SpadixCommands",
      dependencies: ["SpadixExport", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    .target(
      name: "SpadixExport", dependencies: ["Spadix"],
      resources: [.embedInCode("RTL/bench.cpp"), .embedInCode("RTL/ports.cpp"), .embedInCode("RTL/Makefile")]),
    .target(
      name: "Spadix",
      dependencies: [
        "SpadixCodegen", "SpadixImport", "SpadixLegality", "SpadixMachine", "SpadixPasses", "SpadixReference",
        "SpadixReport", "SpadixSchedule", "SpadixVerify",
      ]),
    .target(
      name: "SpadixImport",
      dependencies: ["SpadixIR", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["Model/onnx.proto"]),
    .target(name: "SpadixPasses", dependencies: ["SpadixLegality", "SpadixReference"]),
    .target(name: "SpadixReport", dependencies: ["SpadixSchedule", "SpadixMachine"]),
    .target(name: "SpadixCodegen", dependencies: ["SpadixLegality", "SpadixSchedule", "SpadixTiming"]),
    .target(name: "SpadixLegality", dependencies: ["SpadixIR", "SpadixISA"]),
    .target(name: "SpadixSchedule", dependencies: ["SpadixMIP", "SpadixSupport"]),
    .target(name: "SpadixMIP", dependencies: ["CSpadixGLPK", "SpadixSupport"]),
    .target(name: "SpadixMachine", dependencies: ["SpadixTiming", "CSpadixKernels"]),
    .target(name: "SpadixTiming", dependencies: ["SpadixISA"]),
    .target(name: "SpadixVerify", dependencies: ["SpadixReference"]),
    .target(name: "SpadixReference", dependencies: ["SpadixIR"]),
    .target(name: "SpadixIR", dependencies: ["SpadixTensor"]),
    .target(name: "SpadixISA", dependencies: ["SpadixTensor", "Yams"]),
    .target(name: "SpadixTensor", dependencies: ["CZlib", "SpadixSupport"]),
    .target(name: "SpadixSupport", dependencies: ["CSpadixCleanup"]),
    .target(name: "CSpadixCleanup"),
    .target(name: "CSpadixKernels"),
    .target(name: "CSpadixGLPK", dependencies: ["CGLPK"], linkerSettings: [.linkedLibrary("glpk")]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CGLPK", providers: [.apt(["libglpk-dev"])]),
    .testTarget(name: "SpadixSupportTests", dependencies: ["SpadixSupport"]),
    .testTarget(name: "SpadixTensorTests", dependencies: ["SpadixTensor"]),
    .testTarget(name: "SpadixISATests", dependencies: ["SpadixISA"]),
    .testTarget(name: "SpadixIRTests", dependencies: ["SpadixIR"]),
    .testTarget(name: "SpadixReferenceTests", dependencies: ["SpadixReference"]),
    .testTarget(name: "SpadixLegalityTests", dependencies: ["SpadixLegality"]),
    .testTarget(name: "SpadixPassesTests", dependencies: ["SpadixPasses", "SpadixVerify", "Spadix"]),
    .testTarget(name: "SpadixImportTests", dependencies: ["SpadixImport", "SpadixReference"]),
    .testTarget(name: "SpadixMIPTests", dependencies: ["SpadixMIP"]),
    .testTarget(name: "SpadixScheduleTests", dependencies: ["SpadixSchedule"]),
    .testTarget(name: "SpadixCodegenTests", dependencies: ["SpadixCodegen", "SpadixMachine"]),
    .testTarget(name: "SpadixTimingTests", dependencies: ["SpadixTiming"]),
    .testTarget(name: "SpadixMachineTests", dependencies: ["SpadixMachine", "SpadixTensor", "CSpadixKernels"]),
    .testTarget(name: "SpadixReportTests", dependencies: ["SpadixReport"]),
    .testTarget(name: "SpadixTests", dependencies: ["Spadix"]),
  ],
  swiftLanguageModes: [.v6]
)

// Only links with libFuzzer, so that it only exists when it is asked for (make fuzz-program).
if Context.environment["SPADIX_FUZZER"] != nil {
  package.targets.append(
    .executableTarget(name: "ProgramFuzzer", dependencies: ["SpadixMachine"], path: "Fuzz/ProgramFuzzer"))
}
