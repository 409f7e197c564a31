"""Video generators that the project trains itself, by name. NIGHTREEL_VIDEO_GENERATOR selects the one to use."""

from typing import TYPE_CHECKING

from models.registry import Registry

if TYPE_CHECKING:
    from models.video.generator import TrainedGenerator

GENERATORS: "Registry[TrainedGenerator]" = Registry(
    {
        "vae": "models.video.vae:VaeGenerator",
        "rnn": "models.video.rnn:RnnGenerator",
        "gan": "models.video.gan:GanGenerator",
        "attention": "models.video.attention:AttentionGenerator",
        "flow": "models.video.flow:FlowGenerator",
    }
)
