"""Writes a llama of one layer with random weights, whose vocabulary is the 256 bytes: it talks gibberish.

On standard input is the file's path as JSON; on standard output a free port for its server.
"""

import json
import socket
import sys

import gguf
import numpy as np

width, inner, heads = 32, 64, 2
random = np.random.default_rng(0)
writer = gguf.GGUFWriter(json.load(sys.stdin), "llama")
writer.add_context_length(32768)
writer.add_embedding_length(width)
writer.add_block_count(1)
writer.add_feed_forward_length(inner)
writer.add_head_count(heads)
writer.add_head_count_kv(heads)
writer.add_rope_dimension_count(width // heads)
writer.add_layer_norm_rms_eps(1e-5)

kinds = gguf.TokenType
tokens = [(b"<unk>", kinds.UNKNOWN), (b"<s>", kinds.CONTROL), (b"</s>", kinds.CONTROL)]
tokens += [(f"<0x{byte:02X}>".encode(), kinds.BYTE) for byte in range(256)]
writer.add_tokenizer_model("llama")
writer.add_token_list([text for text, _ in tokens])
writer.add_token_scores([0.0] * len(tokens))
writer.add_token_types([kind for _, kind in tokens])
writer.add_unk_token_id(0)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)

shapes = {"token_embd": (len(tokens), width), "output": (len(tokens), width)}
shapes |= {f"blk.0.attn_{part}": (width, width) for part in ("q", "k", "v", "output")}
shapes |= {"blk.0.ffn_gate": (inner, width), "blk.0.ffn_up": (inner, width), "blk.0.ffn_down": (width, inner)}
for name, shape in shapes.items():
    writer.add_tensor(f"{name}.weight", (0.3 * random.standard_normal(shape)).astype(np.float32))
for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
    writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    print(free.getsockname()[1])
