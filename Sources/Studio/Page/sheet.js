"use strict";

const stage = new Stage(document.getElementById("stage"));
stage.show(clips, clips.map((_, index) => `Clip ${index + 1}`));
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, button")) return;
  if (event.key === "p" || event.key === " ") stage.toggle();
  else if (event.key === ",") stage.step(-1);
  else if (event.key === ".") stage.step(1);
  else return;
  event.preventDefault();
});
