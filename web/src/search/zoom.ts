// zoom.ts - the picture in the viewer: scale 1 fits it into the stage; x, y shift its middle, in pixels of the stage.

export interface Zoom {
  scale: number
  x: number
  y: number
}

export interface Size {
  width: number
  height: number
}

export const fitted: Zoom = { scale: 1, x: 0, y: 0 }

/** Size at scale 1: whole; small pictures at twice their size, more would only show their pixels. */
export function fitSize(picture: Size, stage: Size): Size {
  if (!(picture.width > 0 && picture.height > 0)) return { width: 0, height: 0 }
  const f = Math.min(2, stage.width / picture.width, stage.height / picture.height)
  return { width: picture.width * f, height: picture.height * f }
}

/** Scale at which one pixel of the picture is one of the screen; at least 2, so that small ones can be looked at too. */
export function fullScale(picture: Size, stage: Size): number {
  const fit = fitSize(picture, stage)
  return fit.width ? Math.max(2, picture.width / fit.width) : 2
}

export const maxScale = (picture: Size, stage: Size) => fullScale(picture, stage) * 4

/** Keep the picture over the stage: no further than its edge meets the edge of the stage. */
export function clampZoom(z: Zoom, picture: Size, stage: Size): Zoom {
  const scale = Math.min(maxScale(picture, stage), Math.max(1, z.scale))
  const fit = fitSize(picture, stage)
  const roomX = Math.max(0, (fit.width * scale - stage.width) / 2)
  const roomY = Math.max(0, (fit.height * scale - stage.height) / 2)
  return { scale, x: Math.min(roomX, Math.max(-roomX, z.x)), y: Math.min(roomY, Math.max(-roomY, z.y)) }
}

/** Change the scale so that what lies under (px, py), measured from the middle of the stage, stays there. */
export function zoomAt(z: Zoom, factor: number, px: number, py: number, picture: Size, stage: Size): Zoom {
  const scale = Math.min(maxScale(picture, stage), Math.max(1, z.scale * factor))
  const f = scale / z.scale
  return clampZoom({ scale, x: px - (px - z.x) * f, y: py - (py - z.y) * f }, picture, stage)
}

export function pan(z: Zoom, dx: number, dy: number, picture: Size, stage: Size): Zoom {
  return clampZoom({ ...z, x: z.x + dx, y: z.y + dy }, picture, stage)
}
