export { type Progress, silent } from "../progress.js";
