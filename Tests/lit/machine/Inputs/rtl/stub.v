// A stub with the ports of a Gemmini, for the tests of `spadix export --format rtl`: it moves rows of 8 bytes between
// memory and a scratchpad, computes nothing, and never completes an mvin2.
module Gemmini(
  input         clock,
                reset,
                auto_spad_id_out_a_ready,
  output        auto_spad_id_out_a_valid,	// @[Scratchpad.scala]
  output [2:0]  auto_spad_id_out_a_bits_opcode,
                auto_spad_id_out_a_bits_param,
  output [3:0]  auto_spad_id_out_a_bits_size,
  output [4:0]  auto_spad_id_out_a_bits_source,
  output [31:0] auto_spad_id_out_a_bits_address,
  output [7:0]  auto_spad_id_out_a_bits_mask,
  output [63:0] auto_spad_id_out_a_bits_data,
  output        auto_spad_id_out_d_ready,
  input         auto_spad_id_out_d_valid,
  input  [2:0]  auto_spad_id_out_d_bits_opcode,
  input  [3:0]  auto_spad_id_out_d_bits_size,
  input  [4:0]  auto_spad_id_out_d_bits_source,
  input  [63:0] auto_spad_id_out_d_bits_data,
  output        io_cmd_ready,
  input         io_cmd_valid,
  input  [6:0]  io_cmd_bits_inst_funct,
  input  [63:0] io_cmd_bits_rs1,
                io_cmd_bits_rs2,
  input  [1:0]  io_cmd_bits_status_prv,
  input         io_resp_ready,
  output        io_busy
);
  localparam IDLE = 3'd0, READ = 3'd1, READING = 3'd2, WRITE = 3'd3, WRITING = 3'd4, STUCK = 3'd5;
  reg [2:0] state;
  reg [31:0] address, load_stride, store_stride;
  reg [5:0] row;
  reg [4:0] left;
  wire [63:0] read_data;

  assign io_cmd_ready = state == IDLE;
  assign io_busy = state != IDLE;
  assign auto_spad_id_out_a_valid = state == READ || state == WRITE;
  assign auto_spad_id_out_a_bits_opcode = state == READ ? 3'd4 : 3'd0;
  assign auto_spad_id_out_a_bits_param = 3'd0;
  assign auto_spad_id_out_a_bits_size = 4'd3;
  assign auto_spad_id_out_a_bits_source = 5'd0;
  assign auto_spad_id_out_a_bits_address = address;
  assign auto_spad_id_out_a_bits_mask = 8'hff;
  assign auto_spad_id_out_a_bits_data = read_data;
  assign auto_spad_id_out_d_ready = state == READING || state == WRITING;

  Scratchpad scratchpad(
    .clock(clock), .write(state == READING && auto_spad_id_out_d_valid), .row(row),
    .write_data(auto_spad_id_out_d_bits_data), .read_data(read_data));
  wire mesh_out;
  Mesh mesh(
    .io_in_a_0_0(8'd0), .io_in_a_1_0(8'd0), .io_in_a_2_0(8'd0), .io_in_a_3_0(8'd0),
    .io_in_a_4_0(8'd0), .io_in_a_5_0(8'd0), .io_in_a_6_0(8'd0), .io_in_a_7_0(8'd0), .io_out(mesh_out));

  always @(posedge clock) begin
    if (reset) begin
      state <= IDLE;
    end else if (state == IDLE && io_cmd_valid) begin
      if (io_cmd_bits_inst_funct == 7'd0 && io_cmd_bits_rs1[1:0] == 2'd1) load_stride <= io_cmd_bits_rs2[31:0];
      if (io_cmd_bits_inst_funct == 7'd0 && io_cmd_bits_rs1[1:0] == 2'd2) store_stride <= io_cmd_bits_rs2[31:0];
      if (io_cmd_bits_inst_funct == 7'd1) state <= STUCK;
      if (io_cmd_bits_inst_funct == 7'd2 || io_cmd_bits_inst_funct == 7'd3) begin
        state <= io_cmd_bits_inst_funct == 7'd2 ? READ : WRITE;
        address <= io_cmd_bits_rs1[31:0];
        row <= io_cmd_bits_rs2[5:0];
        left <= io_cmd_bits_rs2[52:48];
      end
    end else if ((state == READ || state == WRITE) && auto_spad_id_out_a_ready) begin
      state <= state == READ ? READING : WRITING;
    end else if ((state == READING || state == WRITING) && auto_spad_id_out_d_valid) begin
      state <= left == 5'd1 ? IDLE : state == READING ? READ : WRITE;
      address <= address + (state == READING ? load_stride : store_stride);
      row <= row + 6'd1;
      left <= left - 5'd1;
    end
  end
endmodule

module Scratchpad(input clock, write, input [5:0] row, input [63:0] write_data, output [63:0] read_data);
  ScratchpadBank spad_mems_0(.clock(clock), .io_write_en(write), .io_write_addr(row), .io_write_data(write_data), .read_data(read_data));
endmodule

module ScratchpadBank(input clock, io_write_en, input [5:0] io_write_addr, input [63:0] io_write_data, output [63:0] read_data);
  reg [63:0] mem [0:63];
  assign read_data = mem[io_write_addr];
  always @(posedge clock) if (io_write_en) mem[io_write_addr] <= io_write_data;
endmodule

module Mesh(
  input  [7:0] io_in_a_0_0, io_in_a_1_0, io_in_a_2_0, io_in_a_3_0,
               io_in_a_4_0, io_in_a_5_0, io_in_a_6_0, io_in_a_7_0,
  output       io_out
);
  assign io_out = ^io_in_a_0_0;
endmodule
