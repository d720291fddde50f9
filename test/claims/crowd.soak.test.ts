// 64 agents in 64 clones and 10 ids, 8 agents in one clone and in 8 working trees.
import './crowd.test.js';
