// The parts of the page. What somebody wrote becomes text in them, never HTML.

export const find = (id) => document.getElementById(id);

export function make(tag, className, text = '') {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// Sets a text only where it changes: a screen reader reads out each change.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
