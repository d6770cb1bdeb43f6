// The system's pages: commands of components, and deferred work.

import assert from "node:assert/strict";
import { it } from "node:test";
import { refusedAs, untroubled, url } from "./panel.js";

/** Tests for an administrator who is signed in; `operated` is a component with the commands of tests/components/operated. */
export function describeSystem(browser, operated) {
    it("shows deferred work by kind and component, and what can't be replayed is told or refused", async () => {
        const { page } = browser();
        await page.goto(`${url}/admin`);
        await page.getByRole("link", { name: "Deferred work" }).first().click();
        await page.getByRole("heading", { level: 1, name: "Deferred work" }).waitFor();
        await page.getByRole("heading", { name: "Schedules" }).waitFor();
        assert.equal(await page.locator("main [aria-current=page]").innerText(), "Dead events");
        const tabs = [
            ["Waiting events", "event", "alive"],
            ["Dead jobs", "job", "dead"],
            ["Waiting jobs", "job", "alive"],
            ["Dead events", "event", "dead"],
        ];
        for (const [name, kind, state] of tabs) {
            await page.locator("main").getByRole("link", { name, exact: true }).click();
            await page.waitForURL((at) => at.searchParams.get("kind") === kind && at.searchParams.get("state") === state);
            assert.equal(await page.locator("main [aria-current=page]").innerText(), name);
        }
        await page.getByRole("searchbox").fill("nobody");
        await page.getByRole("searchbox").press("Enter");
        await page.getByText("Nothing of nobody is here.").waitFor();
        assert.equal(await page.getByRole("button", { name: "Replay all" }).count(), 0, "there is nothing to replay");
        await page.getByRole("link", { name: "Of all components" }).click();
        await page.waitForURL((at) => !at.searchParams.has("component"));
        untroubled(browser());

        const csrf = await page.locator("[name=csrf]").first().inputValue();
        const replay = (form) => page.request.post(`${url}/admin/deferred/replay`, { form: { csrf, ...form } });
        const gone = `gone-${Date.now()}`;
        const answer = await replay({ kind: "event", id: gone });
        assert.equal(answer.status(), 200);
        assert.match(await answer.text(), /Nothing was replayed/);
        for (const form of [{ kind: "letter", id: gone }, { kind: "event" }, { kind: "job", id: "x".repeat(201) }]) {
            assert.equal((await replay(form)).status(), 422, JSON.stringify(form));
        }
        await page.goto(`${url}/admin/audit`);
        const record = await page.locator("tr[data-action='work.replay']").first().innerText();
        for (const part of ["Dead letters replayed", gone, "event"]) {
            assert.ok(record.includes(part), `${part} is missing in: ${record}`);
        }
        untroubled(browser());
    });

    it("runs a command of a component to its end, and writes it down", async () => {
        const { page } = browser();
        await page.goto(`${url}/admin/components/${operated}`);
        await page.locator("[data-commands]").click();
        await page.getByRole("link", { name: "count" }).click();
        await page.getByRole("button", { name: "Run" }).click();
        assert.ok(await page.locator("input:invalid").count(), "what is required has to be there");
        await page.getByLabel("to", { exact: true }).fill("many");
        await page.getByRole("button", { name: "Run" }).click();
        await page.locator("[aria-invalid='true']").waitFor();
        refusedAs(browser(), 422);
        await page.getByLabel("to", { exact: true }).fill("30");
        await page.getByRole("button", { name: "Run" }).click();
        await page.getByText("Done", { exact: true }).waitFor();
        const lines = (await page.locator("[data-run-lines]").textContent()).trim().split("\n");
        const numbers = Array.from({ length: 30 }, (_, place) => String(place + 1));
        assert.deepEqual(lines, [...numbers, "by generations 1"], "each step's lines, once");

        await page.getByRole("link", { name: "Audit" }).first().click();
        const record = await page.locator("tr[data-action='command.run']").first().innerText();
        for (const part of ["Command run", operated, "count", "to=30"]) {
            assert.ok(record.includes(part), `${part} is missing in: ${record}`);
        }
        untroubled(browser());
    });

    it("stops a command after a step, and goes on with it", async () => {
        const { page } = browser();
        await page.goto(`${url}/admin/components/${operated}/commands/count`);
        await page.getByLabel("to", { exact: true }).fill("1000000");
        await page.getByRole("button", { name: "Run" }).click();
        const goOn = page.getByRole("button", { name: "Go on" });
        await page.getByRole("button", { name: "Stop" }).waitFor();
        assert.ok(!(await goOn.isVisible()), "it goes on by itself");
        await page.getByRole("button", { name: "Stop" }).click();
        await goOn.waitFor();
        const done = () => page.locator("progress").evaluate((bar) => bar.value);
        const stopped = await done();
        await goOn.click();
        await page.waitForFunction((stopped) => document.querySelector("progress")?.value > stopped, stopped);
        await page.getByRole("button", { name: "Stop" }).click();
        await goOn.waitFor();
        untroubled(browser());
    });
}
