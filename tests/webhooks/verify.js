// Verifies webhooks as a receiver does: one JSON object in each line of the input, one word in each line of the output.

import { createInterface } from "node:readline";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
    const { secret, headers, body } = JSON.parse(line);
    try {
        new Webhook(secret).verify(body, headers);
        console.log("verified");
    } catch (error) {
        if (!(error instanceof WebhookVerificationError)) throw error;
        console.log("refused");
    }
}
