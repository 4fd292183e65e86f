/**
 * Everything that is drawn with a matte: the filter's effect (native/obs-plugin/data/mattebox.effect) once more, in
 * GLSL. Pictures of a browser are straight and gamma-encoded, which is what gray and A·I + b are computed on; what is
 * drawn to the screen is premultiplied. Blurs are computed in linear light.
 *
 * What is known when a program is built is a #define and not a uniform: software renderers take both sides of a branch.
 */

/** Row 0 of a texture is a picture's top; so is row 0 of a framebuffer, but for the canvas, which begins at its bottom. */
export const VERTEX = `
uniform bool to_canvas;
out vec2 uv;
void main() {
  vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
  uv = to_canvas ? vec2(corner.x, 1.0 - corner.y) : corner;
}
`

const HEAD = `
precision highp float;
precision highp int;
precision highp sampler2D;
in vec2 uv;
out vec4 drawn;

uniform sampler2D image;          // the full-resolution picture, or the one to blur
uniform sampler2D coefficients;   // 2 planes: (A4, b4); 8 planes: (A_R, A_G, A_B, A4)
uniform sampler2D coefficients_b; // 8 planes: (b_R, b_G, b_B, b4)
uniform sampler2D matte;          // alpha after levels and feather, where it was drawn beforehand
uniform float level_low;
uniform float level_high;

float encode_channel(float u) {
  return u <= 0.0031308 ? 12.92 * max(u, 0.0) : 1.055 * pow(u, 1.0 / 2.4) - 0.055;
}
vec3 encode(vec3 v) { return vec3(encode_channel(v.r), encode_channel(v.g), encode_channel(v.b)); }

float decode_channel(float u) {
  return u <= 0.04045 ? max(u, 0.0) / 12.92 : pow((u + 0.055) / 1.055, 2.4);
}
vec3 decode(vec3 v) { return vec3(decode_channel(v.r), decode_channel(v.g), decode_channel(v.b)); }

// alpha = clamp(A4*gray + b4), then levels.
float network_alpha(vec2 at, vec3 color) {
  float gray = (color.r + color.g + color.b) / 3.0;
  vec4 a = textureLod(coefficients, at, 0.0);
#if PLANES == 8
  float alpha = a.a * gray + textureLod(coefficients_b, at, 0.0).a;
#else
  float alpha = a.r * gray + a.g;
#endif
  alpha = clamp(alpha, 0.0, 1.0);
  if (level_high > level_low) return clamp((alpha - level_low) / (level_high - level_low), 0.0, 1.0);
  return alpha < level_high ? 0.0 : 1.0;
}

float final_alpha(vec2 at, vec3 color) {
#if HAS_MATTE
  return textureLod(matte, at, 0.0).r;
#else
  return network_alpha(at, color);
#endif
}
`

/** VIEW 0: result, 1: alpha, 2: foreground. BACKDROP 0: none, 1: colour, 2: picture, 3: blur. */
export const RESULT = `${HEAD}
uniform sampler2D behind;     // the blurred background, premultiplied linear light; or a picture, straight
uniform vec2 behind_scale;    // of the picture's coordinates: it covers all, and keeps its shape
uniform vec3 colour;
uniform float divider;        // left of it is the picture as it came, 0..1

vec4 backdrop() {
#if BACKDROP == 1
  return vec4(colour, 1.0);
#elif BACKDROP == 2
  vec4 picture = texture(behind, (uv - 0.5) * behind_scale + 0.5);
  return vec4(picture.rgb * picture.a, picture.a);
#elif BACKDROP == 3
  vec4 back = textureLod(behind, uv, 0.0);
  return vec4(encode(back.rgb / max(back.a, 0.000001)), 1.0);
#else
  return vec4(0.0);
#endif
}

void main() {
  vec4 color = textureLod(image, uv, 0.0);
  float alpha = final_alpha(uv, color.rgb);
#if VIEW == 1
  drawn = vec4(vec3(alpha * color.a), 1.0);
#else
  // foreground_c = clamp(I_c + A_c*I_c + b_c)
  vec3 foreground = color.rgb;
#if PLANES == 8
  vec3 a = textureLod(coefficients, uv, 0.0).rgb;
  vec3 b = textureLod(coefficients_b, uv, 0.0).rgb;
  foreground = clamp(foreground + a * foreground + b, 0.0, 1.0);
#endif
  vec4 front = vec4(foreground * (alpha * color.a), alpha * color.a);
#if VIEW == 2
  drawn = vec4(front.rgb, 1.0);
#elif BACKDROP == 3
  // Where the source is transparent, its blurred background is too.
  drawn = vec4(foreground * alpha + backdrop().rgb * (1.0 - alpha), 1.0) * color.a;
#else
  drawn = front + backdrop() * (1.0 - front.a);
#endif
#endif
  if (uv.x < divider) drawn = vec4(color.rgb * color.a, color.a);
}
`

export const MATTE = `${HEAD}
void main() {
  drawn = vec4(network_alpha(uv, textureLod(image, uv, 0.0).rgb));
}
`

/**
 * Averages the texels of `image` under one pixel of the target, by area, weighted by their alpha. WHAT 0: straight
 * gamma-encoded colour, and alpha; 1: the background in linear light, premultiplied by how much of it is background.
 */
export const AVERAGE = `${HEAD}
uniform vec2 drawn_size;

void main() {
  vec2 image_size = vec2(textureSize(image, 0));
  vec2 low = floor(uv * drawn_size) * image_size / drawn_size;
  vec2 high = low + image_size / drawn_size;
  ivec2 first = ivec2(floor(low + 0.001));
  ivec2 end = min(ivec2(ceil(high - 0.001)), ivec2(image_size));

  vec3 sum = vec3(0.0);
  float sum_alpha = 0.0;
  float sum_area = 0.0;
  for (int y = first.y; y < end.y; y++) {
    float height = min(float(y + 1), high.y) - max(float(y), low.y);
    for (int x = first.x; x < end.x; x++) {
      float area = height * (min(float(x + 1), high.x) - max(float(x), low.x));
      vec4 color = texelFetch(image, ivec2(x, y), 0);
#if WHAT == 1
      // A trace everywhere, so that even where all is foreground a colour is found.
      color.a *= max(1.0 - final_alpha((vec2(x, y) + 0.5) / image_size, color.rgb), 0.0001);
      color.rgb = decode(color.rgb);
#endif
      sum += color.rgb * (color.a * area);
      sum_alpha += color.a * area;
      sum_area += area;
    }
  }
#if WHAT == 0
  drawn = vec4(sum_alpha > 0.0 ? sum / sum_alpha : sum, sum_alpha / sum_area);
#else
  drawn = vec4(sum, sum_alpha) / sum_area;
#endif
}
`

/** One direction of a Gauss blur of what is premultiplied; `tap` is one of its 8 steps to either side. */
export const BLUR = `${HEAD}
uniform vec2 tap;
uniform float sigma; // in steps

void main() {
  vec4 sum = textureLod(image, uv, 0.0);
  float weights = 1.0;
  for (int i = 1; i <= 8; i++) {
    float along = float(i);
    float weight = exp(-0.5 * along * along / (sigma * sigma));
    sum += textureLod(image, uv + tap * along, 0.0) * weight;
    sum += textureLod(image, uv - tap * along, 0.0) * weight;
    weights += 2.0 * weight;
  }
  drawn = sum / weights;
}
`

/** One direction of the least value around: shrinks a matte. */
export const SHRINK = `${HEAD}
uniform vec2 tap;

void main() {
  vec4 least = textureLod(image, uv, 0.0);
  for (int i = 1; i <= 8; i++) {
    float along = float(i);
    least = min(least, textureLod(image, uv + tap * along, 0.0));
    least = min(least, textureLod(image, uv - tap * along, 0.0));
  }
  drawn = least;
}
`
