// Opens a page in Chromium, calls a function of it, and prints what that returns: drive.mjs URL NAME [ARGUMENT…]
import { createRequire } from "node:module";
import { argv, env, stdout } from "node:process";

const puppeteer = createRequire(env.NODE_MODULES + "/").call(null, "puppeteer-core");
const [url, name, ...given] = argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: env.CHROMIUM,
  args: [
    "--no-sandbox", "--no-first-run", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--enable-unsafe-swiftshader",
  ],
});
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(String(error)));
  page.on("console", (line) => console.error(line.text()));
  await page.goto(url);
  await page.waitForFunction("window.ready");
  const result = await page.evaluate((name, given) => window[name](...given), name, given.map((word) => JSON.parse(word)));
  stdout.write(JSON.stringify(result));
} finally {
  await browser.close();
}
