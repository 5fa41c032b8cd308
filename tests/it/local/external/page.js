// The contrast of the page: the texts and marks that are too faint, in the colours that apply now.
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [light, dark] = [luminance(parse(one)), luminance(parse(other))].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parse(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const faint = [];
  let texts = 0;
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const isText = own && element.checkVisibility() && !element.closest("noscript, .skip, .unseen");
    if (!isText) continue;
    texts++;
    const ratio = contrast(getComputedStyle(element).color, ground(element));
    if (ratio < 4.5) faint.push(`${element.outerHTML.slice(0, 80)}: ${ratio}`);
  }
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  const demand = (name, on, least) => {
    const ratio = contrast(colour(name), colour(on));
    if (!(ratio >= least)) faint.push(`--${name} on --${on}: ${ratio}`);
  };
  for (const mark of ["init", "invocation", "ping", "failed", "warm", "frozen", "gone", "throttled", "ended", "control"]) {
    for (const on of ["lane", "raised"]) demand(mark, on, 3);
  }
  for (const mark of ["init", "invocation", "failed"]) demand("on-mark", mark, 4.5);
  return { texts, faint };
})()
