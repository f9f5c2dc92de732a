// One WebSocket for all tiles: states and events come by themselves, pictures as fast as they are shown.

export class Live {
  constructor(hear) {
    this.hear = hear; // {open, close, streams, event, refused, picture}
    this.watched = new Map();
    this.pause = 500;
    document.addEventListener("visibilitychange", () => this.follow());
    this.connect();
  }

  connect() {
    const socket = new WebSocket(new URL("api/live", location.href).href.replace(/^http/, "ws"));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.pause = 500;
      this.hear.open();
      this.follow();
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.take(JSON.parse(data)) : this.show(data));
    socket.onclose = () => {
      this.hear.close();
      setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(this.pause * 2, 8000);
    };
    this.socket = socket;
  }

  // view: {view, width, word}
  watch(stream, view) {
    this.watched.set(stream, view);
    if (!document.hidden) this.say({ watch: { stream, ...view } });
  }

  forget(stream) {
    this.watched.delete(stream);
  }

  // A page that nobody sees watches nothing.
  follow() {
    for (const [stream, view] of this.watched) this.say(document.hidden ? { leave: stream } : { watch: { stream, ...view } });
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  take(said) {
    for (const kind of ["streams", "event", "refused"]) if (kind in said) this.hear[kind](said[kind]);
  }

  async show(data) {
    const length = new DataView(data).getUint16(0);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 2, length)));
    try {
      const picture = await createImageBitmap(new Blob([new Uint8Array(data, 2 + length)], { type: "image/jpeg" }));
      this.hear.picture(head, picture);
    } finally {
      this.say({ ready: head.stream });
    }
  }
}
