// The panel as its tests use it.

import assert from "node:assert/strict";

export const url = (process.env.DATAMP_URL ?? "").replace(/\/$/, "");

/** Fails when a page of this browser logged an error, broke its content policy or lost a request. */
export function untroubled(browser) {
    assert.deepEqual(browser.troubles.splice(0), []);
}

/** A refusal that is wanted is also logged by the browser. */
export function refusedAs(browser, status) {
    const wanted = browser.troubles.splice(0);
    assert.ok(wanted.every((line) => line.includes(`status of ${status}`)), wanted.join("\n"));
}

export async function signIn(page, login, password) {
    await page.goto(`${url}/admin/login`);
    await page.getByLabel("Login").fill(login);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
}

/** Presses g and the key, which belong together if they come soon one after the other: again where they did not. */
export async function go(page, key, heading) {
    const there = page.getByRole("heading", { level: 1, name: heading });
    for (let attempt = 0; attempt < 10; attempt += 1) {
        await page.keyboard.press("g");
        await page.keyboard.press(key);
        const came = await there.waitFor({ timeout: 9_000 }).then(() => true, () => false);
        if (came) return;
    }
    await there.waitFor();
}
