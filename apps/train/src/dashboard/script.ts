// The program of the dashboard's page: shows what the server sends, and asks for other runs when they are chosen.

export const script = `
const [progress, charts, form] = ['#progress', '#charts', 'form'].map((name) => document.querySelector(name));
const chosen = new URLSearchParams(location.search).getAll('run');
const boxes = [...form.querySelectorAll('input')];
for (const box of boxes) {
  box.checked = chosen.length > 0 ? chosen.includes(box.value) : box.value === document.title;
  box.addEventListener('change', () => {
    location.search = new URLSearchParams(boxes.filter(({ checked }) => checked).map(({ value }) => ['run', value]));
  });
}
const source = new EventSource('events' + location.search);
source.addEventListener('progress', ({ data }) => {
  progress.removeAttribute('role');
  progress.textContent = JSON.parse(data);
});
source.addEventListener('charts', ({ data }) => {
  const open = [...charts.querySelectorAll('details')].map((one) => one.open);
  charts.innerHTML = JSON.parse(data);
  charts.querySelectorAll('details').forEach((one, i) => { one.open = open[i] ?? false; });
});
// What changes every second is not read aloud; the end is.
const tell = (text) => {
  progress.setAttribute('role', 'status');
  progress.textContent = text;
};
source.addEventListener('end', ({ data }) => {
  source.close();
  tell(JSON.parse(data));
});
source.addEventListener('error', () => {
  tell('The training does not answer: its program has stopped, or the network is interrupted.');
});
`;
