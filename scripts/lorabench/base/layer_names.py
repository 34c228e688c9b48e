"""The names of the layers of each family's transformer: its own, diffusers' and its trainers'."""

from collections.abc import Mapping

from lorabench.base.layer_naming import OWN, Names, Naming


def _slices(block: str, names: str, own: str) -> dict[str, str]:
    """Return names in a block, each for as many rows of the `own` layer as its input is wide."""
    return {f"{block}.{name}": f"{own} {at}:1" for at, name in enumerate(names.split())}


def _inside(block: str, own: str, layers: Mapping[str, str]) -> dict[str, str]:
    """Return names in a block for those of the own block."""
    return {f"{block}.{name}": f"{own}.{layer}" for name, layer in layers.items()}


_QKV = "attn.to_q attn.to_k attn.to_v"
_ADDED = "attn.add_q_proj attn.add_k_proj attn.add_v_proj"
_TIME_TEXT = "time_text_embed"
_DIFFUSERS = ("transformer.", "lora_transformer_", "lycoris_")
_BARE = ("diffusion_model.", "transformer.", "lycoris_", "")

_FLUX_BLOCKS = (
    r"double_blocks_\d+_(img|txt)_(attn_(qkv|proj|norm_(query|key)_norm)|mlp_[02])|"
    r"single_blocks_\d+_(linear[12]|norm_(query|key)_norm)"
)
_MODULATION = r"double_blocks_\d+_(img|txt)_mod_lin|single_blocks_\d+_modulation_lin"
_OUTSIDE = r"(img|txt)_in|(time|guidance)_in_(in|out)_layer|final_layer_(linear|adaLN_modulation_1)"
_FLUX = {
    **_slices("transformer_blocks.N", _QKV, "double_blocks.N.img_attn.qkv"),
    **_slices("transformer_blocks.N", _ADDED, "double_blocks.N.txt_attn.qkv"),
    **_inside("transformer_blocks.N", "double_blocks.N", {
        "attn.to_out.0": "img_attn.proj", "attn.to_add_out": "txt_attn.proj",
        "norm1.linear": "img_mod.lin", "norm1_context.linear": "txt_mod.lin",
        "ff.net.0.proj": "img_mlp.0", "ff.net.2": "img_mlp.2",
        "ff_context.net.0.proj": "txt_mlp.0", "ff_context.net.2": "txt_mlp.2",
        "ff.linear_in": "img_mlp.0", "ff.linear_out": "img_mlp.2",
        "ff_context.linear_in": "txt_mlp.0", "ff_context.linear_out": "txt_mlp.2",
        "attn.norm_q": "img_attn.norm.query_norm", "attn.norm_k": "img_attn.norm.key_norm",
        "attn.norm_added_q": "txt_attn.norm.query_norm",
        "attn.norm_added_k": "txt_attn.norm.key_norm",
    }),
    **_slices("single_transformer_blocks.N", _QKV, "single_blocks.N.linear1"),
    **_inside("single_transformer_blocks.N", "single_blocks.N", {
        "proj_mlp": "linear1 3:4", "proj_out": "linear2",
        "attn.to_qkv_mlp_proj": "linear1", "attn.to_out": "linear2",
        "norm.linear": "modulation.lin",
        "attn.norm_q": "norm.query_norm", "attn.norm_k": "norm.key_norm",
    }),
    "x_embedder": "img_in", "context_embedder": "txt_in",
    "proj_out": "final_layer.linear", "norm_out.linear": "final_layer.adaLN_modulation.1",
    f"{_TIME_TEXT}.timestep_embedder.linear_1": "time_in.in_layer",
    f"{_TIME_TEXT}.timestep_embedder.linear_2": "time_in.out_layer",
    f"{_TIME_TEXT}.text_embedder.linear_1": "vector_in.in_layer",
    f"{_TIME_TEXT}.text_embedder.linear_2": "vector_in.out_layer",
    f"{_TIME_TEXT}.guidance_embedder.linear_1": "guidance_in.in_layer",
    f"{_TIME_TEXT}.guidance_embedder.linear_2": "guidance_in.out_layer",
}  # fmt: skip
_OF_FLUX = (
    Names(_FLUX, (*_DIFFUSERS, "")),
    Names({"single_blocks.N.linear1_qkv": "single_blocks.N.linear1 0:3"}, ("diffusion_model.",)),
    # Model files, and ComfyUIs before 0.33, call a norm's weight its scale.
    Names({f"{layer}.scale": layer for layer in (
        *(f"double_blocks.N.{side}_attn.norm.{of}_norm"
          for side in ("img", "txt") for of in ("query", "key")),
        *(f"single_blocks.N.norm.{of}_norm" for of in ("query", "key")),
    )}),
)  # fmt: skip
_WIDE = {r"double_blocks_\d+_(img|txt)_mlp_0": 4, r"single_blocks_\d+_linear1": 7}
FLUX1 = Naming(
    rf"{_FLUX_BLOCKS}|{_MODULATION}|{_OUTSIDE}|vector_in_(in|out)_layer",
    _OF_FLUX,
    outputs=_WIDE,
    widths=frozenset({3072}),
    blocks=38,
)
CHROMA = Naming(
    rf"{_FLUX_BLOCKS}|(img|txt)_in|final_layer_linear|distilled_guidance_layer_.+",
    _OF_FLUX,
    outputs=_WIDE,
    widths=frozenset({3072}),
    blocks=38,
)
FLUX2 = Naming(
    rf"{_FLUX_BLOCKS}|{_OUTSIDE}|(double_stream_modulation_(img|txt)|single_stream_modulation)_lin",
    _OF_FLUX,
    outputs={r"double_blocks_\d+_(img|txt)_mlp_0": 6, r"single_blocks_\d+_linear1": 9},
    widths=frozenset({3072, 4096, 6144}),
    blocks=48,
)

_TOKENS = "txt_in.individual_token_refiner.blocks.N"
HUNYUAN_IMAGE = Naming(
    rf"{_FLUX_BLOCKS}|{_MODULATION}|img_in_proj|time_in_(in|out)_layer|"
    r"txt_in_(input_embedder|[tc]_embedder_(in|out)_layer)|byt5_in_(layernorm|fc[123])|"
    r"txt_in_individual_token_refiner_blocks_\d+_(adaLN_modulation_1|norm[12]|mlp_[02]|"
    "self_attn_(qkv|proj))|final_layer_(linear|adaLN_modulation_1)",
    (
        Names({  # its makers' and sd-scripts'
            **_inside("double_blocks.N", "double_blocks.N", {
                f"{side}_{theirs}": f"{side}_{own}"
                for side in ("img", "txt")
                for theirs, own in {
                    "mlp.fc1": "mlp.0", "mlp.fc2": "mlp.2", "mod.linear": "mod.lin",
                    "attn_q_norm": "attn.norm.query_norm", "attn_k_norm": "attn.norm.key_norm",
                }.items()
            }),
            **_inside("single_blocks.N", "single_blocks.N", {
                "modulation.linear": "modulation.lin",
                "q_norm": "norm.query_norm", "k_norm": "norm.key_norm",
            }),
            **_inside(_TOKENS, _TOKENS, {"mlp.fc1": "mlp.0", "mlp.fc2": "mlp.2"}),
            **{f"{place}.{theirs}": f"{place}.{own}_layer"
               for place, names in (("time_in", "mlp.0 mlp.2"),
                                    ("txt_in.t_embedder", "mlp.0 mlp.2"),
                                    ("txt_in.c_embedder", "linear_1 linear_2"))
               for theirs, own in zip(names.split(), ("in", "out"), strict=True)},
        }),
    ),
    converter="sd-scripts' networks/convert_hunyuan_image_lora_to_comfy.py",
    outputs=_WIDE,
    widths=frozenset({3584}),
    blocks=40,
)  # fmt: skip

_JOINT = "joint_blocks.N"
SD3 = Naming(
    r"joint_blocks_\d+_(context|x)_block_(attn2?_(qkv|proj|ln_[qk])|mlp_fc[12]|adaLN_modulation_1)|"
    r"x_embedder_proj|[ty]_embedder_mlp_[02]|context_embedder|pos_embed|"
    "final_layer_(linear|adaLN_modulation_1)",
    (
        Names({
            **_slices("transformer_blocks.N", _QKV, f"{_JOINT}.x_block.attn.qkv"),
            **_slices("transformer_blocks.N", _ADDED, f"{_JOINT}.context_block.attn.qkv"),
            **_slices("transformer_blocks.N", _QKV.replace("attn", "attn2"),
                      f"{_JOINT}.x_block.attn2.qkv"),
            **_inside("transformer_blocks.N", f"{_JOINT}.x_block", {
                "norm1.linear": "adaLN_modulation.1",
                "attn.to_out.0": "attn.proj", "attn.norm_q": "attn.ln_q",
                "attn.norm_k": "attn.ln_k", "attn2.to_out.0": "attn2.proj",
                "attn2.norm_q": "attn2.ln_q", "attn2.norm_k": "attn2.ln_k",
                "ff.net.0.proj": "mlp.fc1", "ff.net.2": "mlp.fc2",
            }),
            **_inside("transformer_blocks.N", f"{_JOINT}.context_block", {
                "norm1_context.linear": "adaLN_modulation.1", "attn.to_add_out": "attn.proj",
                "attn.norm_added_q": "attn.ln_q", "attn.norm_added_k": "attn.ln_k",
                "ff_context.net.0.proj": "mlp.fc1", "ff_context.net.2": "mlp.fc2",
            }),
            "context_embedder": "context_embedder", "pos_embed.proj": "x_embedder.proj",
            "proj_out": "final_layer.linear", "norm_out.linear": "final_layer.adaLN_modulation.1",
            f"{_TIME_TEXT}.timestep_embedder.linear_1": "t_embedder.mlp.0",
            f"{_TIME_TEXT}.timestep_embedder.linear_2": "t_embedder.mlp.2",
            f"{_TIME_TEXT}.text_embedder.linear_1": "y_embedder.mlp.0",
            f"{_TIME_TEXT}.text_embedder.linear_2": "y_embedder.mlp.2",
        }, (*_DIFFUSERS, "base_model.model.")),
    ),
    unweighted="pos_embed",
    widths=frozenset({1536, 2432}),
    blocks=38,
)  # fmt: skip

_NEXT_BLOCKS = ("layers.N", "noise_refiner.N", "context_refiner.N")
_NEXT_SAME = {f"{block}.{layer}": f"{block}.{layer}" for block in _NEXT_BLOCKS for layer in (
    *("attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"),
    *("feed_forward.w1", "feed_forward.w2", "feed_forward.w3"),
)}  # fmt: skip
_NEXT = Names({
    **_NEXT_SAME,
    **{name: own for block in _NEXT_BLOCKS for name, own in (
        *_slices(f"{block}.attention", "to_q to_k to_v", f"{block}.attention.qkv").items(),
        (f"{block}.attention.to_out.0", f"{block}.attention.out"),
        (f"{block}.attention.norm_q", f"{block}.attention.q_norm"),
        (f"{block}.attention.norm_k", f"{block}.attention.k_norm"),
    )},
    **{f"{block}.adaLN_modulation.0": f"{block}.adaLN_modulation.0" for block in _NEXT_BLOCKS[:2]},
    **{name: name for name in (
        "cap_embedder.0", "cap_embedder.1", "t_embedder.mlp.0", "t_embedder.mlp.2",
    )},
    "all_x_embedder.2-1": "x_embedder",
    "all_final_layer.2-1.linear": "final_layer.linear",
    "all_final_layer.2-1.adaLN_modulation.1": "final_layer.adaLN_modulation.1",
}, _BARE)  # fmt: skip


def _next(modulation: int, width: int, extra: str = "", converter: str = "") -> Naming:
    return Naming(
        r"(layers|noise_refiner|context_refiner)_\d+_(attention_(qkv|out|[qk]_norm)|"
        rf"feed_forward_w[123]|(attention|ffn)_norm[12]|adaLN_modulation_{modulation})|"
        "x_embedder|t_embedder_mlp_[02]|cap_embedder_[01]|"
        f"final_layer_(linear|adaLN_modulation_1){extra}",
        (_NEXT,),
        unweighted="(x|cap)_pad_token",
        converter=converter,
        widths=frozenset({width}),
    )


LUMINA2 = _next(1, 2304)
Z_IMAGE = _next(
    0, 3840, "|(x|cap)_pad_token", "musubi-tuner's networks/convert_lora.py --target other"
)

ANIMA = Naming(
    r"blocks_\d+_((self|cross)_attn_((q|k|v|output)_proj|[qk]_norm)|mlp_layer[12]|"
    r"adaln_modulation_(self_attn|cross_attn|mlp)_[12])|llm_adapter_.+|t_embedder_1_linear_[12]|"
    r"x_embedder_proj_1|t_embedding_norm|final_layer_(linear|adaln_modulation_[12])"
)

QWEN_IMAGE = Naming(
    r"transformer_blocks_\d+_((img|txt)_(mod_1|mlp_net_(0_proj|2))|attn_(to_[qkv]|add_[qkv]_proj|"
    r"to_out_0|to_add_out|norm_(added_)?[qk]))|time_text_embed_timestep_embedder_linear_[12]|"
    "txt_norm|img_in|txt_in|norm_out_linear|proj_out",
    prefixes=(*OWN, "transformer.", "lycoris_", ""),
    widths=frozenset({3072}),
    blocks=60,
)

_IN_KREA2 = {
    "attn.to_q": "attn.wq", "attn.to_k": "attn.wk", "attn.to_v": "attn.wv",
    "attn.to_gate": "attn.gate", "attn.to_out.0": "attn.wo", "attn.to_out": "attn.wo",
    "ff.gate": "mlp.gate", "ff.up": "mlp.up", "ff.down": "mlp.down",
}  # fmt: skip
KREA2 = Naming(
    r"(txtfusion_(layerwise|refiner)_)?blocks_\d+_(attn_(w[qkvo]|gate|qknorm_[qk]norm_scale)|"
    r"mlp_(gate|up|down)|mod_lin|(pre|post)norm_scale)|first|tmlp_[02]|tproj_1|"
    r"txtmlp_(0_scale|[13])|txtfusion_projector|last_(linear|norm_scale|modulation_lin)",
    (
        Names({
            **_inside("transformer_blocks.N", "blocks.N", _IN_KREA2),
            **_inside("text_fusion.layerwise_blocks.N", "txtfusion.layerwise_blocks.N", _IN_KREA2),
            **_inside("text_fusion.refiner_blocks.N", "txtfusion.refiner_blocks.N", _IN_KREA2),
            "img_in": "first", "time_embed.linear_1": "tmlp.0", "time_embed.linear_2": "tmlp.2",
            "time_mod_proj": "tproj.1", "txt_in.linear_1": "txtmlp.1",
            "txt_in.linear_2": "txtmlp.3", "text_fusion.projector": "txtfusion.projector",
            "final_layer.linear": "last.linear",
        }, _BARE),
    ),
    unweighted=".+_(scale|lin)",
    widths=frozenset({6144}),
    blocks=28,
)  # fmt: skip

_IN_WAN = {
    **{f"attn{n}.to_{x}": f"{of}.{x}" for n, of in ((1, "self_attn"), (2, "cross_attn"))
       for x in "qkv"},
    **{f"attn{n}.to_out.0": f"{of}.o" for n, of in ((1, "self_attn"), (2, "cross_attn"))},
    "attn2.add_k_proj": "cross_attn.k_img", "attn2.add_v_proj": "cross_attn.v_img",
    "ffn.net.0.proj": "ffn.0", "ffn.net.2": "ffn.2",
}  # fmt: skip
WAN = Naming(
    r"blocks_\d+_((self|cross)_attn_([qkvo]|[kv]_img|norm_(q|k|k_img))|ffn_[02]|norm3|modulation)|"
    r"patch_embedding|(text|time)_embedding_[02]|time_projection_1|head_(head|modulation)|"
    r"img_emb_proj_.+",
    (Names(_inside("blocks.N", "blocks.N", _IN_WAN)),),
    unweighted=".+_modulation",
)
