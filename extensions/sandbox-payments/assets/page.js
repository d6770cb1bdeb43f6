// Carries the callback that the page holds to where it belongs.
"use strict";

const place = document.getElementById("callback");

async function send({ url, signature, body, sent, notSent }) {
  const headers = { "content-type": "application/json", "sandbox-signature": signature };
  try {
    const answer = await fetch(url, { method: "POST", headers, body });
    if (answer.ok) {
      return sent;
    }
    return `${notSent} ${answer.status} ${await answer.text()}`;
  } catch (error) {
    return `${notSent} ${error.message}`;
  }
}

if (place) {
  send(place.dataset).then((outcome) => {
    place.textContent = outcome;
  });
}
