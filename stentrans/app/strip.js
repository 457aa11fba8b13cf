// A row of small maps, one button each; the one that is looked at is marked.

export default function ({ data, parentElement, setTriggerValue }) {
  const strip = parentElement.querySelector(".stentrans-strip");
  const buttons = data.items.map(({ gene, picture, note }) => {
    const button = document.createElement("button");
    const image = document.createElement("img");
    const name = document.createElement("span");
    const small = document.createElement("small");
    image.src = picture;
    image.alt = "";
    name.textContent = gene;
    small.textContent = note;
    button.append(image, name, small);
    button.type = "button";
    button.title = gene;
    button.setAttribute("aria-current", String(gene === data.current));
    button.onclick = () => setTriggerValue("chosen", gene);
    return button;
  });
  strip.replaceChildren(...buttons);
  const current = buttons.find((button) => button.getAttribute("aria-current") === "true");
  if (current) strip.scrollLeft = current.offsetLeft - strip.clientWidth / 2;
}
