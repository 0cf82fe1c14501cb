// The worker socket's messages, as functions/proto.def has them (a unit test
// compares), and frames as base/frame.h has them: u32 length, u8 type, u8 0,
// u16 0, u32 id, little-endian, then the body.

export const PROTO = {
  INVOKE: 1,
  RESULT: 2,
  ERROR: 3,
  CALL: 4,
  REPLY: 5,
  LOG: 6,
  READY: 7,
  DRAIN: 8,
  LEAVING: 9,
};

export const HEAD = 12;
export const LOG_TOP = 8192;
export const FRAME_TOP = 32 * 1024 * 1024;
export const RESULT_TOP = 16 * 1024 * 1024;

// Frames on their way out, one after the other in one growing buffer.
export class Out {
  constructor() {
    this.bytes = Buffer.allocUnsafe(64 * 1024);
    this.len = 0;
  }

  room(size) {
    if (this.len + size <= this.bytes.length) return;
    const more = Buffer.allocUnsafe(
      Math.max(this.bytes.length * 2, this.len + size));
    this.bytes.copy(more, 0, 0, this.len);
    this.bytes = more;
  }

  // `before`: bytes of the body that `fill` writes in front of the text.
  frame(type, id, text, before = 0, fill = null) {
    // Three bytes a UTF-16 unit at most: no need to count first.
    this.room(HEAD + before + text.length * 3);
    const b = this.bytes;
    const at = this.len;
    const body = at + HEAD + before;
    const len = before + b.utf8Write(text, body);
    b[at] = len;
    b[at + 1] = len >>> 8;
    b[at + 2] = len >>> 16;
    b[at + 3] = len >>> 24;
    b[at + 4] = type;
    b[at + 5] = b[at + 6] = b[at + 7] = 0;
    b.writeUInt32LE(id, at + 8);
    if (fill) fill(b, at + HEAD);
    this.len = at + HEAD + len;
  }

  // A large buffer is not kept for ever.
  clear() {
    this.len = 0;
    if (this.bytes.length > 1024 * 1024) this.bytes = Buffer.allocUnsafe(65536);
  }
}

// Bytes that came in, cut into frames: on(type, id, bytes, from, to).
export class In {
  constructor(on) {
    this.on = on;
    this.parts = [];
    this.have = 0;
    this.want = HEAD;
  }

  push(chunk) {
    if (this.have > 0) {
      this.parts.push(chunk);
      this.have += chunk.length;
      if (this.have < this.want) return;
      chunk = Buffer.concat(this.parts);
      this.parts = [];
      this.have = 0;
    }
    let at = 0;
    this.want = HEAD;
    while (chunk.length - at >= HEAD) {
      const len = chunk.readUInt32LE(at);
      if (len > FRAME_TOP) throw new Error('a frame is too large');
      if (chunk.length - at < HEAD + len) {
        this.want = HEAD + len;
        break;
      }
      const from = at + HEAD;
      at = from + len;
      this.on(chunk[from - 8], chunk.readUInt32LE(from - 4), chunk, from, at);
    }
    if (at < chunk.length) {
      this.parts.push(at ? chunk.subarray(at) : chunk);
      this.have = chunk.length - at;
    }
  }
}
