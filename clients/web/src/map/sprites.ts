import type { Age } from "../live/trucks";

import type { Palette } from "./palette";

/**
 * Truck signs. Shape says what colour says too: an arrow drives and points where, a disc stands; a bar across
 * means "on a load"; a hollow outline means that the position is stale.
 */
export interface SpriteSheet {
  atlas: HTMLCanvasElement;
  mapping: Record<string, { x: number; y: number; width: number; height: number; mask: boolean }>;
}

export type Motion = "drives" | "stands";
export type Duty = "free" | "busy";

const CELL = 96;

export const spriteName = (motion: Motion, duty: Duty, stale: boolean): string => `${motion}-${duty}${stale ? "-stale" : ""}`;

export function drawSprites(palette: Palette): SpriteSheet {
  const atlas = document.createElement("canvas");
  atlas.width = 4 * CELL;
  atlas.height = 3 * CELL;
  const pen = atlas.getContext("2d");
  if (!pen) throw new Error("this browser has no 2d canvas");
  const mapping: SpriteSheet["mapping"] = {};
  let cell = 0;
  for (const motion of ["drives", "stands"] as const) {
    for (const duty of ["free", "busy"] as const) {
      for (const age of ["fresh", "stale"] as const) {
        const x = (cell % 4) * CELL;
        const y = Math.floor(cell / 4) * CELL;
        pen.save();
        pen.translate(x + CELL / 2, y + CELL / 2);
        drawTruck(pen, CELL, motion, duty, age, palette);
        pen.restore();
        mapping[spriteName(motion, duty, age === "stale")] = { x, y, width: CELL, height: CELL, mask: false };
        cell++;
      }
    }
  }
  for (const [column, letter] of (["A", "B"] as const).entries()) {
    const [x, y] = [column * CELL, 2 * CELL];
    drawEnd(pen, x + CELL / 2, y + CELL / 2, letter, palette);
    mapping[`end-${letter}`] = { x, y, width: CELL, height: CELL, mask: false };
  }
  return { atlas, mapping };
}

/** The ends of a haul: A is the pickup, B the drop, as in the order's panel. */
function drawEnd(pen: CanvasRenderingContext2D, x: number, y: number, letter: string, palette: Palette): void {
  pen.beginPath();
  pen.arc(x, y, 38, 0, 2 * Math.PI);
  pen.fillStyle = palette.endFill;
  pen.fill();
  pen.lineWidth = 8;
  pen.strokeStyle = palette.rim;
  pen.stroke();
  pen.fillStyle = palette.rim;
  pen.font = '700 46px "Inter Variable", system-ui, sans-serif';
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(letter, x, y + 3);
}

/** Draws one sign around the origin, `size` pixels wide. */
function drawTruck(
  pen: CanvasRenderingContext2D,
  size: number,
  motion: Motion,
  duty: Duty,
  age: Age,
  palette: Palette,
): void {
  const unit = size / 96;
  const outline = new Path2D();
  if (motion === "drives") {
    outline.moveTo(0, -38 * unit);
    outline.lineTo(28 * unit, 32 * unit);
    outline.lineTo(0, 19 * unit);
    outline.lineTo(-28 * unit, 32 * unit);
    outline.closePath();
  } else {
    outline.arc(0, 0, 22 * unit, 0, 2 * Math.PI);
  }
  const colour = age === "stale" ? palette.stale : palette[duty];
  pen.lineJoin = "round";
  pen.globalAlpha = age === "ageing" ? 0.62 : 1;
  pen.strokeStyle = palette.rim;
  pen.lineWidth = 14 * unit;
  pen.stroke(outline);
  pen.fillStyle = age === "stale" ? palette.rim : colour;
  pen.fill(outline);
  if (age === "stale") {
    pen.strokeStyle = colour;
    pen.lineWidth = 7 * unit;
    pen.stroke(outline);
  }
  if (duty === "busy") {
    pen.fillStyle = age === "stale" ? colour : palette.rim;
    const top = motion === "drives" ? 2 : -6;
    pen.fillRect(-9 * unit, top * unit, 18 * unit, 12 * unit);
  }
}
