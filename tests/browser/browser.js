// A browser with an empty profile, and pages that write down everything that went wrong in them.

import { access, mkdtemp, rm } from "node:fs/promises";
import { constants } from "node:fs";
import { delimiter, join } from "node:path";
import { tmpdir } from "node:os";
import { chromium } from "playwright-core";

const FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/** Where Chromium is: the variable CHROMIUM, else the first `chromium` or `chromium-browser` of PATH. */
async function executable() {
    if (process.env.CHROMIUM) return process.env.CHROMIUM;
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
        for (const name of ["chromium", "chromium-browser"]) {
            const path = join(folder, name);
            const runs = await access(path, constants.X_OK).then(() => true, () => false);
            if (runs) return path;
        }
    }
    throw new Error("no Chromium: install Debian's `chromium`, or say by CHROMIUM where it is");
}

/** A browser of its own; `options` are Playwright's for a context. Close it by the function that comes with it. */
export async function open(options = {}) {
    const profile = await mkdtemp(join(tmpdir(), "datamp-browser-"));
    const context = await chromium.launchPersistentContext(profile, {
        executablePath: await executable(),
        headless: true,
        args: FLAGS,
        locale: "en-GB",
        viewport: { width: 1280, height: 900 },
        ...options,
    });
    // The machine may be busy; what never comes does not come within this either.
    context.setDefaultTimeout(90_000);
    const page = context.pages()[0] ?? (await context.newPage());
    const troubles = [];
    page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") troubles.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => troubles.push(`script: ${error.message}`));
    page.on("requestfailed", (request) => {
        // A page that is left takes its own requests with it.
        const reason = request.failure()?.errorText;
        if (reason !== "net::ERR_ABORTED") troubles.push(`request: ${request.url()} ${reason}`);
    });
    const close = async () => {
        await context.close();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    };
    return { page, context, troubles, close };
}
