// The control panel from the first administrator's first visit on, against a running host.
//
// DATAMP_URL             the host's public address, http://127.0.0.1:8080
// DATAMP_FIRST_PASSWORD  the first administrator's one-time password; nobody may have used it
// DATAMP_OPERATED        a component with the commands of tests/components/operated. Default: operated
// DATAMP_ROLLBACK        the component that is rolled back, and left so; it has two generations. Default: gate
//
// Core, gate, communication and admin are deployed, and there is a shop with a transfer.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { open } from "./browser.js";
import { go, refusedAs, signIn, untroubled, url } from "./panel.js";
import { describeSystem } from "./system.js";

const oneTime = process.env.DATAMP_FIRST_PASSWORD ?? "";
const rolledBack = process.env.DATAMP_ROLLBACK ?? "gate";
const operated = process.env.DATAMP_OPERATED ?? "operated";
const COMPONENTS = ["admin", "communication", "core", "gate"];
const NAME = "Olga Ivanova";
const PASSWORD = "violet lantern seventh canal";

describe("the control panel", () => {
    let browser;
    let page;

    before(async () => {
        assert.ok(url, "DATAMP_URL is not set");
        assert.ok(oneTime, "DATAMP_FIRST_PASSWORD is not set");
        browser = await open();
        page = browser.page;
    });

    after(() => browser?.close());

    it("sends whoever is not signed in to the page to sign in, and back", async () => {
        await page.goto(`${url}/admin/components`);
        assert.equal(new URL(page.url()).pathname, "/admin/login");
        assert.equal(new URL(page.url()).searchParams.get("next"), "/admin/components");
        untroubled(browser);
    });

    it("tells browsers to run nothing but its own files", async () => {
        const answer = await page.request.get(`${url}/admin/login`);
        const headers = answer.headers();
        assert.match(headers["content-security-policy"], /^default-src 'none';/);
        assert.doesNotMatch(headers["content-security-policy"], /unsafe/);
        assert.equal(headers["x-content-type-options"], "nosniff");
        assert.equal(headers["x-frame-options"], "DENY");
        assert.equal(headers["cache-control"], "no-store");
    });

    it("refuses a form that was not made for this visit", async () => {
        const answer = await page.request.post(`${url}/admin/login`, {
            form: { login: "admin", password: oneTime, csrf: "0".repeat(64) },
            maxRedirects: 0,
        });
        assert.equal(answer.status(), 403);
    });

    it("lets the first administrator in by the one-time password, who sets one of their own", async () => {
        await signIn(page, "admin", oneTime);
        assert.equal(new URL(page.url()).pathname, "/admin/welcome");

        await page.goto(`${url}/admin/shops`);
        assert.equal(new URL(page.url()).pathname, "/admin/welcome", "nothing else is open yet");

        await page.getByLabel("Name").fill(NAME);
        await page.getByLabel("New password", { exact: true }).fill("too short");
        await page.getByLabel("New password once more").fill("too short");
        await page.locator("form[action='/admin/welcome']").evaluate((form) => (form.noValidate = true));
        await page.getByRole("button", { name: "Open the panel" }).click();
        await page.getByText("At least 12 characters, please.").waitFor();
        refusedAs(browser, 422);

        await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
        await page.getByLabel("New password once more").fill(PASSWORD);
        await page.getByRole("button", { name: "Open the panel" }).click();
        await page.getByRole("heading", { name: "Dashboard" }).waitFor();
        await page.getByText("Everything is set up.").waitFor();
        untroubled(browser);
    });

    it("keeps its session from scripts and from other sites", async () => {
        const cookies = await browser.context.cookies(`${url}/admin`);
        const session = cookies.find((cookie) => cookie.name.endsWith("datamp-admin"));
        assert.ok(session?.httpOnly);
        assert.equal(session.sameSite, "Strict");
        assert.equal(session.secure, url.startsWith("https:"));
    });

    it("shows that all four components are healthy, and the money beside them", async () => {
        await page.goto(`${url}/admin`);
        for (const name of COMPONENTS) {
            const row = page.locator(`tr[data-component="${name}"]`);
            await row.waitFor();
            assert.equal(await row.getAttribute("data-health"), "good", name);
        }
        await page.getByText("All components are healthy").waitFor();
        const money = page.locator("[data-currency]").first();
        await money.waitFor();
        assert.match(await money.innerText(), /Ledger balances/);
        untroubled(browser);
    });

    it("keeps the dashboard fresh by itself", async () => {
        await page.goto(`${url}/admin`);
        const before = await page.locator("[data-total]").getAttribute("data-total");
        await page.waitForFunction((before) => document.querySelector("[data-total]").dataset.total !== before, before);
        untroubled(browser);
    });

    it("shows a shop with its balances and transfers", async () => {
        await page.getByRole("link", { name: "Shops" }).first().click();
        const first = page.locator("main .row-link").first();
        await first.waitFor();
        const name = await first.innerText();
        await page.getByRole("searchbox").fill(name);
        await page.getByRole("searchbox").press("Enter");
        await page.waitForURL(/search=/);
        await page.getByRole("link", { name, exact: true }).first().click();
        await page.getByRole("heading", { level: 1, name }).waitFor();
        await page.locator("[data-balance]").first().waitFor();
        await page.locator("[data-transfer]").first().waitFor();
        assert.match(await page.locator("[data-transfer] time").first().innerText(), /\sUTC$/);
        await page.getByRole("link", { name: "Transfers" }).first().click();
        await page.locator("[data-transfer]").first().waitFor();
        untroubled(browser);
    });

    it("switches to Russian and back, and remembers", async () => {
        await page.goto(`${url}/admin`);
        assert.equal(await page.locator("html").getAttribute("lang"), "en", "the browser asks for English");
        await page.getByRole("button", { name: "Русский" }).click();
        await page.getByRole("heading", { name: "Обзор" }).waitFor();
        await page.goto(`${url}/admin/components`);
        await page.getByRole("heading", { name: "Компоненты" }).waitFor();
        assert.equal(await page.locator("html").getAttribute("lang"), "ru");
        await page.getByRole("button", { name: "English" }).click();
        await page.getByRole("heading", { name: "Components" }).waitFor();
        assert.equal(new URL(page.url()).pathname, "/admin/components", "it stays on the page");
        untroubled(browser);
    });

    it("rolls a component back with a reason, and writes it down", async () => {
        const reason = `errors after the release ${Date.now()}`;
        await page.goto(`${url}/admin/components/${rolledBack}`);
        const link = page.locator("[data-rollback]");
        assert.equal(await link.count(), 1, `${rolledBack} has no generation to go back to: deploy it twice first`);
        const current = await page.locator("tr.current").getAttribute("data-generation");
        await link.click();

        const button = page.getByRole("button", { name: /Roll back to generation/ });
        const target = (await button.innerText()).match(/\d+/)[0];
        await button.click();
        assert.ok(await page.locator("textarea:invalid").count(), "a reason is required");
        await page.getByLabel("Reason").fill(reason);
        await button.click();

        await page.getByText(`Generation ${target} of ${rolledBack} is active now.`).waitFor();
        assert.equal(await page.locator("tr.current").getAttribute("data-generation"), target);
        assert.notEqual(current, target);

        await page.getByRole("link", { name: "Audit" }).first().click();
        const record = page.locator("tr[data-action='generation.rollback']").first();
        const text = await record.innerText();
        for (const part of ["Rolled back", rolledBack, "admin", reason, current, target]) {
            assert.ok(text.includes(part), `${part} is missing in: ${text}`);
        }
        untroubled(browser);
    });

    it("refuses a change that was prepared before somebody else's", async () => {
        await page.goto(`${url}/admin/components/${rolledBack}`);
        await page.getByRole("link", { name: "Activate" }).first().click();
        await page.getByLabel("Reason").fill("prepared too early");
        await page.locator("[name=expected]").evaluate((field) => (field.value = "999999"));
        await page.getByRole("button", { name: /Activate generation/ }).click();
        await page.getByRole("heading", { name: "It is not so any more" }).waitFor();
        refusedAs(browser, 409);
    });

    describeSystem(() => browser, operated);

    it("adds a member of support, who may little, makes them a manager, and shuts them out", async () => {
        const login = `sam-${Date.now()}`;
        await page.goto(`${url}/admin/staff`);
        await page.getByLabel("Name").fill("Sam <i>Support</i>");
        await page.getByLabel("Login").fill(login);
        await page.getByLabel("Role").selectOption("support");
        await page.getByRole("button", { name: "Add" }).click();
        const given = (await page.locator("[data-secret]").innerText()).trim();
        assert.match(given, /^([0-9a-z]{5}-){3}[0-9a-z]{5}$/);

        const other = await open();
        try {
            await signIn(other.page, login, given);
            assert.equal(new URL(other.page.url()).pathname, "/admin/password");
            await other.page.getByLabel("New password", { exact: true }).fill(`${PASSWORD} too`);
            await other.page.getByLabel("New password once more").fill(`${PASSWORD} too`);
            await other.page.getByRole("button", { name: "Save password" }).click();
            await other.page.getByRole("heading", { name: "Dashboard" }).waitFor();
            assert.equal(await other.page.getByRole("link", { name: "Mailbox" }).count(), 0);
            await other.page.goto(`${url}/admin/components/${rolledBack}`);
            assert.equal(await other.page.getByRole("link", { name: "Activate" }).count(), 0);
            await other.page.goto(`${url}/admin/deferred`);
            assert.equal(await other.page.locator("form[action='/admin/deferred/replay']").count(), 0);
            const csrf = await other.page.locator("[name=csrf]").first().inputValue();
            const form = { csrf, kind: "event", id: "any" };
            const refused = await other.page.request.post(`${url}/admin/deferred/replay`, { form, maxRedirects: 0 });
            assert.equal(refused.status(), 403);
            untroubled(other);
            for (const path of ["mail", "audit", "staff", `components/${rolledBack}/rollback`]) {
                const answer = await other.page.goto(`${url}/admin/${path}`);
                assert.equal(answer.status(), 403, path);
            }
            refusedAs(other, 403);

            await page.goto(`${url}/admin/staff`);
            await page.getByRole("link", { name: "Sam <i>Support</i>" }).first().click();
            await page.getByLabel("Role").selectOption("manager");
            await page.getByRole("button", { name: "Change role" }).click();
            await page.getByText(`The role of ${login} has been changed.`).waitFor();
            await other.page.goto(`${url}/admin`);
            assert.equal(new URL(other.page.url()).pathname, "/admin/login", "another role takes another sign-in");
            await signIn(other.page, login, `${PASSWORD} too`);
            await other.page.getByRole("link", { name: "Mailbox" }).first().waitFor();
            untroubled(other);

            await page.getByRole("button", { name: "Disable" }).click();
            await page.getByText(`${login} can’t sign in any more.`).waitFor();
            await signIn(other.page, login, `${PASSWORD} too`);
            await other.page.getByText("Login and password don’t match.").waitFor();
            refusedAs(other, 422);
        } finally {
            await other.close();
        }
        untroubled(browser);
    });

    it("lets one ask and another approve, and never who asked", async () => {
        const login = `maria-${Date.now()}`;
        await page.goto(`${url}/admin/staff`);
        await page.getByLabel("Name").fill("Maria Manager");
        await page.getByLabel("Login").fill(login);
        await page.getByLabel("Role").selectOption("manager");
        await page.getByRole("button", { name: "Add" }).click();
        const given = (await page.locator("[data-secret]").innerText()).trim();
        const reason = `nobody claims it ${Date.now()}`;

        const maria = await open();
        try {
            await signIn(maria.page, login, given);
            await maria.page.getByLabel("New password", { exact: true }).fill(`${PASSWORD} too`);
            await maria.page.getByLabel("New password once more").fill(`${PASSWORD} too`);
            await maria.page.getByRole("button", { name: "Save password" }).click();
            await maria.page.getByRole("heading", { name: "Dashboard" }).waitFor();

            await maria.page.goto(`${url}/admin/shops`);
            await maria.page.locator("main .row-link").first().click();
            await maria.page.getByRole("link", { name: "Write off" }).click();
            await maria.page.waitForFunction(() => document.activeElement?.name === "amount");
            await maria.page.keyboard.type("1.50");
            await maria.page.getByLabel("Reason").fill("too short");
            await maria.page.getByRole("button", { name: "Ask to write off" }).click();
            assert.ok(await maria.page.locator("textarea:invalid").count(), "a reason says something");
            await maria.page.getByLabel("Reason").fill(reason);
            await maria.page.getByRole("button", { name: "Ask to write off" }).click();
            await maria.page.getByText("It waits for a second person now.").waitFor();
            assert.equal(await maria.page.getByRole("button", { name: "Approve" }).count(), 0, "who asked is not offered to approve");
            await maria.page.getByRole("button", { name: "Take it back" }).waitFor();
            const operation = maria.page.url();

            // A form of their own making does not help either.
            const csrf = await maria.page.locator("[name=csrf]").first().inputValue();
            const answer = await maria.page.request.post(`${operation}/decision`, {
                form: { csrf, verdict: "approve", comment: "" },
                maxRedirects: 0,
            });
            assert.equal(answer.status(), 403);
            untroubled(maria);

            await page.goto(`${url}/admin`);
            const badge = page.locator(".side [data-badge]");
            await badge.waitFor();
            assert.match(await badge.innerText(), /^1/);
            await go(page, "p", "Approvals");
            await page.locator("[data-operation] .row-link").click();
            await page.getByText(reason).first().waitFor();
            await page.getByRole("button", { name: "Reject" }).click();
            await page.getByText("Say why, in 3 to 500 characters.").waitFor();
            refusedAs(browser, 422);
            await page.getByLabel("Comment").fill("looked at it");
            await page.getByRole("button", { name: "Approve" }).click();
            await page.getByText("It has been done.").waitFor();
            await page.locator("tr[data-step='operation.executed']").waitFor();
            assert.deepEqual(
                await page.locator("tr[data-step]").evaluateAll((rows) => rows.map((row) => row.dataset.step)),
                ["operation.requested", "operation.approved", "operation.executed"],
            );
            await page.goto(`${url}/admin/approvals`);
            await page.getByText("Nothing waits for approval.").waitFor();
            await page.goto(`${url}/admin/audit`);
            const record = await page.locator("tr[data-action='operation.approve']").first().innerText();
            for (const part of ["Operation approved", "looked at it", "executed"]) {
                assert.ok(record.includes(part), `${part} is missing in: ${record}`);
            }
            untroubled(maria);
        } finally {
            await maria.close();
        }
        untroubled(browser);
    });

    it("fits a phone: no page scrolls sideways", async () => {
        await page.setViewportSize({ width: 390, height: 844 });
        const paths = ["", "/money", "/shops", "/transfers", "/operations", "/approvals", "/mail", "/components", "/deferred", `/components/${rolledBack}`, `/components/${operated}/commands`, `/components/${operated}/commands/count`, "/audit", "/staff", "/account", "/password"];
        for (const path of paths) {
            await page.goto(`${url}/admin${path}`);
            const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
            assert.ok(inner <= outer, `/admin${path} is ${inner} wide`);
        }
        await page.goto(`${url}/admin/shops`);
        await page.locator("main .row-link").first().click();
        await page.locator("[data-balance]").first().waitFor();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
        assert.ok(!wide, "the page of a shop scrolls sideways");
        const shop = page.url();
        await page.goto(`${url}/admin/operations`);
        await page.locator("main .row-link").first().click();
        await page.getByRole("heading", { name: "History" }).waitFor();
        for (const path of [page.url(), `${shop}/operations/adjust`, `${shop}/operations/close`]) {
            await page.goto(path);
            const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
            assert.ok(!wide, `${path} scrolls sideways`);
        }
        await page.goto(shop);
        await page.locator(".menu summary").click();
        await page.locator(".menu").getByRole("link", { name: "Audit" }).click();
        await page.getByRole("heading", { name: "Audit" }).waitFor();
        await page.setViewportSize({ width: 1280, height: 900 });
        untroubled(browser);
    });

    it("ends the session on signing out, and the one-time password is worthless", async () => {
        const before = await browser.context.cookies(`${url}/admin`);
        assert.ok(before.length > 0);
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.getByRole("heading", { name: "Sign in" }).waitFor();
        await browser.context.addCookies(before);
        await page.goto(`${url}/admin`);
        assert.equal(new URL(page.url()).pathname, "/admin/login", "the old cookie opens nothing");
        untroubled(browser);
        await signIn(page, "admin", oneTime);
        await page.getByText("Login and password don’t match.").waitFor();
        refusedAs(browser, 422);
    });

    it("is used from the keyboard alone", async () => {
        const arrive = async (heading) => {
            await page.getByRole("heading", { level: 1, name: heading }).waitFor();
            await page.waitForLoadState("load");
        };
        await page.goto(`${url}/admin/login`);
        await page.waitForFunction(() => document.activeElement?.name === "login");
        await page.keyboard.type("admin");
        await page.keyboard.press("Tab");
        await page.keyboard.type(PASSWORD);
        await page.keyboard.press("Enter");
        await arrive("Dashboard");
        await go(page, "c", "Components");
        await page.waitForLoadState("load");
        await page.keyboard.press("j");
        await page.keyboard.press("Enter");
        await arrive(COMPONENTS[0]);
        await go(page, "s", "Shops");
        await page.waitForLoadState("load");
        await page.keyboard.press("/");
        assert.ok(await page.locator("#search").evaluate((field) => field === document.activeElement));
        await page.locator("#search").blur();
        await page.keyboard.press("?");
        await page.getByRole("dialog").waitFor();
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "hidden" });
        untroubled(browser);
    });

    it("works without scripts", async () => {
        const plain = await open({ javaScriptEnabled: false });
        try {
            await signIn(plain.page, "admin", PASSWORD);
            await plain.page.getByRole("link", { name: "Show the totals of the ledger" }).click();
            await plain.page.locator("[data-currency]").first().waitFor();
            await plain.page.goto(`${url}/admin/components/${rolledBack}`);
            await plain.page.getByRole("link", { name: "Activate" }).first().click();
            await plain.page.getByLabel("Reason").fill("forward again, without scripts");
            await plain.page.getByRole("button", { name: /Activate generation/ }).click();
            await plain.page.getByText("is active now.").waitFor();
            await plain.page.locator("[data-rollback]").click();
            await plain.page.getByLabel("Reason").fill("and back, without scripts");
            await plain.page.getByRole("button", { name: /Roll back to generation/ }).click();
            await plain.page.getByText("is active now.").waitFor();
            await plain.page.goto(`${url}/admin/components/${operated}/commands/count`);
            await plain.page.getByLabel("to", { exact: true }).fill("2");
            await plain.page.getByRole("button", { name: "Run" }).click();
            await plain.page.getByRole("button", { name: "Go on" }).click();
            await plain.page.getByText("Done", { exact: true }).waitFor();
            await plain.page.goto(`${url}/admin/components/${rolledBack}`);
            await plain.page.getByRole("button", { name: "Русский" }).click();
            await plain.page.getByRole("heading", { name: "Поколения" }).waitFor();
            untroubled(plain);
        } finally {
            await plain.close();
        }
    });
});
