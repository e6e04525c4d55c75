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
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"), "Spadix", "SpadixAllocation",
        "SpadixCodegen",
        "SpadixExport", "SpadixFuzz", "SpadixIR", "SpadixISA", "SpadixImport", "SpadixJudge", "SpadixMIP",
        "SpadixMachine", "SpadixOrder", "SpadixPasses", "SpadixPlan", "SpadixReference", "SpadixReport",
        "SpadixSupport", "SpadixSweep", "SpadixTensor", "SpadixVerify",
      ]),
    .target(
      name: "SpadixExport",
      dependencies: ["Spadix", "SpadixIR", "SpadixISA", "SpadixMachine", "SpadixSupport", "SpadixTensor"],
      resources: [.embedInCode("RTL/bench.cpp"), .embedInCode("RTL/ports.cpp"), .embedInCode("RTL/Makefile")]),
    .target(
      name: "SpadixJudge",
      dependencies: [
        "Spadix", "SpadixIR", "SpadixISA", "SpadixMachine", "SpadixReference", "SpadixSupport", "SpadixTensor",
      ],
      resources: [.embedInCode("Kernel/gemmini.h"), .embedInCode("Kernel/recorder.c")]),
    .target(
      name: "SpadixSweep",
      dependencies: ["Spadix", "SpadixIR", "SpadixISA", "SpadixReport", "SpadixSupport", "Yams"]),
    .target(
      name: "SpadixFuzz",
      dependencies: [
        "Spadix", "SpadixCodegen", "SpadixIR", "SpadixISA", "SpadixMachine", "SpadixReference", "SpadixSupport",
        "SpadixTensor", "SpadixVerify",
      ]),
    .target(
      name: "Spadix",
      dependencies: [
        "SpadixCodegen", "SpadixIR", "SpadixISA", "SpadixImport", "SpadixLegality", "SpadixMIP", "SpadixMachine",
        "SpadixOrder", "SpadixPasses", "SpadixPlan", "SpadixReference", "SpadixReport", "SpadixSupport", "SpadixTensor",
        "SpadixVerify",
      ]),
    .target(
      name: "SpadixImport",
      dependencies: [
        "SpadixIR", "SpadixSupport", "SpadixTensor", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["Model/onnx.proto"]),
    .target(
      name: "SpadixPasses",
      dependencies: ["SpadixIR", "SpadixISA", "SpadixLegality", "SpadixReference", "SpadixSupport", "SpadixTensor"]),
    .target(
      name: "SpadixReport", dependencies: ["SpadixISA", "SpadixMachine", "SpadixSupport"],
      resources: [.embedInCode("HTML/style.css"), .embedInCode("HTML/script.js")]),
    .target(
      name: "SpadixCodegen",
      dependencies: [
        "SpadixIR", "SpadixISA", "SpadixKernel", "SpadixLegality", "SpadixPlan", "SpadixSupport", "SpadixTensor",
        "SpadixTiming",
      ]),
    .target(
      name: "SpadixKernel",
      dependencies: ["SpadixIR", "SpadixISA", "SpadixSupport", "SpadixTensor", "SpadixTiming"]),
    .target(name: "SpadixLegality", dependencies: ["SpadixIR", "SpadixISA", "SpadixSupport", "SpadixTensor"]),
    .target(name: "SpadixOrder", dependencies: ["SpadixAllocation", "SpadixMIP", "SpadixSupport"]),
    .target(name: "SpadixPlan", dependencies: ["SpadixAllocation", "SpadixMIP", "SpadixSupport"]),
    .target(name: "SpadixAllocation", dependencies: ["SpadixSupport"]),
    .target(name: "SpadixMIP", dependencies: ["CSpadixGLPK", "SpadixSupport"]),
    .target(name: "SpadixMachine", dependencies: ["CSpadixKernels", "SpadixISA", "SpadixSupport", "SpadixTiming"]),
    .target(name: "SpadixTiming", dependencies: ["SpadixISA", "SpadixSupport"]),
    .target(name: "SpadixVerify", dependencies: ["SpadixIR", "SpadixReference", "SpadixSupport", "SpadixTensor"]),
    .target(name: "SpadixReference", dependencies: ["SpadixIR", "SpadixSupport", "SpadixTensor"]),
    .target(name: "SpadixIR", dependencies: ["SpadixSupport", "SpadixTensor"]),
    .target(name: "SpadixISA", dependencies: ["SpadixSupport", "SpadixTensor", "Yams"]),
    .target(name: "SpadixTensor", dependencies: ["CZlib", "SpadixSupport"]),
    .target(name: "SpadixSupport", dependencies: ["CSpadixCleanup"]),
    .target(name: "CSpadixCleanup"),
    .target(name: "CSpadixKernels"),
    .target(name: "CSpadixGLPK", dependencies: ["CGLPK"], linkerSettings: [.linkedLibrary("glpk")]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CGLPK", providers: [.apt(["libglpk-dev"])]),
    .testTarget(name: "SpadixSupportTests", dependencies: ["SpadixSupport"]),
    .testTarget(name: "SpadixTensorTests", dependencies: ["SpadixSupport", "SpadixTensor"]),
    .testTarget(name: "SpadixISATests", dependencies: ["SpadixISA", "SpadixSupport", "SpadixTensor"]),
    .testTarget(name: "SpadixIRTests", dependencies: ["SpadixIR", "SpadixSupport", "SpadixTensor"]),
    .testTarget(
      name: "SpadixReferenceTests", dependencies: ["SpadixIR", "SpadixReference", "SpadixSupport", "SpadixTensor"]),
    .testTarget(
      name: "SpadixLegalityTests", dependencies: ["SpadixIR", "SpadixISA", "SpadixLegality", "SpadixSupport"]),
    .testTarget(
      name: "SpadixPassesTests",
      dependencies: [
        "Spadix", "SpadixFuzz", "SpadixIR", "SpadixISA", "SpadixLegality", "SpadixPasses", "SpadixReference",
        "SpadixSupport", "SpadixTensor", "SpadixVerify",
      ]),
    .testTarget(name: "SpadixImportTests", dependencies: ["SpadixIR", "SpadixImport", "SpadixSupport"]),
    .testTarget(name: "SpadixMIPTests", dependencies: ["SpadixMIP", "SpadixSupport"]),
    .testTarget(name: "SpadixAllocationTests", dependencies: ["SpadixAllocation", "SpadixSupport"]),
    .testTarget(
      name: "SpadixOrderTests", dependencies: ["SpadixAllocation", "SpadixMIP", "SpadixOrder", "SpadixSupport"]),
    .testTarget(name: "SpadixPlanTests", dependencies: ["SpadixPlan", "SpadixSupport"]),
    .testTarget(
      name: "SpadixCodegenTests",
      dependencies: [
        "SpadixCodegen", "SpadixIR", "SpadixISA", "SpadixKernel", "SpadixMachine", "SpadixPlan", "SpadixSupport",
        "SpadixTensor",
      ]),
    .testTarget(name: "SpadixTimingTests", dependencies: ["SpadixISA", "SpadixSupport", "SpadixTiming"]),
    .testTarget(
      name: "SpadixMachineTests",
      dependencies: ["CSpadixKernels", "SpadixISA", "SpadixMachine", "SpadixSupport", "SpadixTensor", "SpadixTiming"]),
    .testTarget(name: "SpadixReportTests", dependencies: ["SpadixISA", "SpadixMachine", "SpadixReport"]),
    .testTarget(
      name: "SpadixTests",
      dependencies: [
        "Spadix", "SpadixCodegen", "SpadixIR", "SpadixISA", "SpadixMachine", "SpadixOrder", "SpadixReference",
        "SpadixReport", "SpadixSupport", "SpadixTensor",
      ]),
    .testTarget(
      name: "SpadixFuzzTests",
      dependencies: [
        "Spadix", "SpadixCodegen", "SpadixFuzz", "SpadixIR", "SpadixISA", "SpadixReference", "SpadixSupport",
        "SpadixTensor",
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// Only links with libFuzzer, so that it only exists when it is asked for (make fuzz-program).
if Context.environment["SPADIX_FUZZER"] != nil {
  package.targets.append(
    .executableTarget(name: "ProgramFuzzer", dependencies: ["SpadixMachine"], path: "Fuzz/ProgramFuzzer"))
}
